// Polling: asks the server for what is new of the runs on the board, a few times a second while one is under way.

import { ACTIVE } from "./dom.js";
import { Series } from "./series.js";

/** @import { LiveRun, News } from "./types.d.ts" */
/**
 * Asks for what is new of runs by a request that somebody holds anyway; null where nobody does.
 * @typedef {(query: URLSearchParams, signal: AbortSignal) => Promise<News> | null} AskAlong
 */
/**
 * came: answers were taken up, with news or without; say: tell the reader something, "" takes it back.
 * @typedef {{ came: (news: boolean) => Promise<void>, say: (text: string) => void, along: AskAlong }} Hooks
 */

const POLL_MS = 250;
const POLL_FIRST_MS = 60; // until the first step is here, but not for longer than FIRST_MS: runs may wait in the queue
const FIRST_MS = 3000;
const POLL_HIDDEN_MS = 2000;
const RETRY_MS = [500, 1000, 2000, 4000];
const NO_ANSWER = "The server does not answer; if it has stopped, its runs can be continued when it is back.";

export class Polling {
  /** @type {LiveRun[]} */ runs = [];
  told = ""; // how the runs stand, as the server said it last
  failures = 0;
  polling = false;
  stopped = false;
  openedAt = 0;
  timer = 0;
  /** @type {AbortController | null} */ abort = null;

  /** @param {Hooks} hooks */
  constructor(hooks) {
    this.hooks = hooks;
  }

  /** @param {LiveRun[]} runs */
  open(runs) {
    Object.assign(this, { runs, told: "", openedAt: performance.now() });
    this.abort?.abort(); // it may be held, for news of other runs
  }

  active() {
    return this.runs.some((run) => run.id && (!run.state || run.wantsAll || ACTIVE.has(run.state.status)));
  }

  wake() {
    clearTimeout(this.timer);
    if (this.active() && !this.polling) this.poll();
  }

  async poll() {
    this.polling = true;
    let wait = document.hidden ? POLL_HIDDEN_MS : this.watches() ? 0 : POLL_MS;
    try {
      const news = await this.ask();
      if (news === null) return; // the board shows other runs by now
      if (this.failures) this.hooks.say("");
      this.failures = 0;
      await this.hooks.came(news);
      if (this.beginning()) wait = POLL_FIRST_MS;
    } catch (error) {
      if (!(error instanceof Error && error.name === "AbortError")) {
        wait = RETRY_MS[Math.min(this.failures++, RETRY_MS.length - 1)];
        if (this.failures > 1) this.hooks.say(NO_ANSWER);
      }
    } finally {
      this.polling = false;
      clearTimeout(this.timer);
      if (!this.stopped && this.active()) this.timer = window.setTimeout(() => this.poll(), wait);
    }
  }

  // Ask once and take up the answers: whether they bring anything new, null where nobody wants them any more.
  async ask() {
    const runs = this.runs.filter((run) => run.id);
    const query = new URLSearchParams();
    for (const run of runs) {
      run.asked = run.wantsAll ? 0 : run.series.since;
      const key = run.state?.insights && run.state.insights_key; // of those that need not be sent again
      query.append("run", `${run.id}:${run.asked}${key ? `:${key}` : ""}`);
    }
    this.abort = new AbortController();
    const { signal } = this.abort;
    const held = this.watches(); // until there is news
    if (held) query.append("told", this.told);
    const answer = await ((held && this.hooks.along(query, signal)) || fetched(query, held, signal));
    if (runs.some((run) => !this.runs.includes(run))) return null;
    this.told = answer.told;
    return runs.map((run, index) => take(run, answer.runs[index])).some(Boolean);
  }

  // Whether all runs are somebody else's, and known so far: a class may watch them, so each board holds one request.
  watches() {
    return this.runs.every((run) => !run.target && (!run.id || (run.state && !run.wantsAll)));
  }

  beginning() {
    return performance.now() - this.openedAt < FIRST_MS && this.runs.some((run) => !run.series.last);
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.timer);
    this.abort?.abort();
  }
}

/**
 * @param {URLSearchParams} query
 * @param {boolean} held
 * @param {AbortSignal} signal
 * @returns {Promise<News>}
 */
async function fetched(query, held, signal) {
  const url = new URL(`api/records?${query}${held ? "&hold=1" : ""}`, document.baseURI);
  const response = await fetch(url, { signal });
  if (!response.ok) throw new Error(String(response.status));
  return response.json();
}

/**
 * Take up one answer; return whether anything new came.
 * @param {LiveRun} run
 * @param {News["runs"][number]} answer
 */
function take(run, answer) {
  if ("error" in answer) {
    run.state = { status: "unknown", reason: answer.error, last_step: 0, steps: 0 };
    return false;
  }
  if (run.wantsAll) run.series = new Series();
  const news = run.series.append(answer);
  // While training a refresh brings few profiles; once the run is over, fetch what there is for time travel.
  const ended = !ACTIVE.has(answer.status);
  run.wantsAll = ended && !run.hasAll && (run.asked ?? 0) > 0;
  run.hasAll = ended && run.asked === 0;
  run.state = { ...answer, insights: answer.insights ?? run.state?.insights };
  run.snapshots.newest = answer.snapshot_step ?? null;
  run.info = answer.info ?? run.info;
  return news;
}
