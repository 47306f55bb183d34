// Commands for runs under way: they go to a run, or to a group, whose runs then obey at the same step.

import { ACTIVE } from "./dom.js";

/** @import { LiveRun } from "./types.d.ts" */

/**
 * A refusal without the name of the server's setting, which stands at its end in brackets for those who write scripts.
 * @param {string} sentence
 */
export const forReaders = (sentence) => sentence.replace(/ \(RNNLAB_[A-Z_]+\)$/, "");

/**
 * The ids to which a command goes: of those runs that are not over, or of all, where all are; none of others' runs.
 * @param {Pick<LiveRun, "target" | "state">[]} runs
 */
export function targetsOf(runs) {
  const own = runs.filter(({ target }) => target !== null);
  const active = own.filter(({ state }) => !state || ACTIVE.has(state.status));
  return [...new Set((active.length ? active : own).flatMap(({ target }) => target ?? []))];
}

/**
 * Send a command; return why it was not obeyed, null when it was.
 * @param {string} target id of a run or of a group
 * @param {string} command
 * @param {Record<string, number>} [body]
 * @returns {Promise<string | null>}
 */
export async function send(target, command, body) {
  return (await post(target, command, body)).problem;
}

/**
 * Send a command; return what was answered, or why it was not obeyed.
 * @param {string} target id of a run or of a group
 * @param {string} command
 * @param {object} [body]
 * @returns {Promise<{ answer: any, problem: null } | { answer: null, problem: string }>}
 */
export async function post(target, command, body) {
  const headers = body ? { "Content-Type": "application/json" } : undefined;
  const url = new URL(`api/runs/${target}/${command}`, document.baseURI);
  try {
    const response = await fetch(url, { method: "POST", headers, body: body ? JSON.stringify(body) : undefined });
    const answer = await response.json();
    if (response.ok) return { answer, problem: null };
    return { answer: null, problem: forReaders(answer.error ?? "The server refused.") };
  } catch {
    return { answer: null, problem: "The command did not reach the server. Try again." };
  }
}
