// Calls of the server: JSON in, JSON out, and why something was refused as one sentence.

import { forReaders } from "./steering.js";

const NO_ANSWER = "The server does not answer. Try again.";

/**
 * @param {string} method
 * @param {string} path below the page's base
 * @param {object} [body]
 * @param {AbortSignal} [signal]
 * @returns {Promise<{ status: number, answer: any, problem: string | null }>} status 0: there was no answer
 */
export async function call(method, path, body, signal) {
  const headers = body ? { "Content-Type": "application/json" } : undefined;
  try {
    const request = { method, headers, body: body ? JSON.stringify(body) : undefined, signal };
    const response = await fetch(new URL(path, document.baseURI), request);
    const answer = response.status === 204 ? null : await response.json();
    const problem = response.ok ? null : forReaders(answer?.error ?? "The server refused.");
    return { status: response.status, answer, problem };
  } catch {
    return { status: 0, answer: null, problem: NO_ANSWER };
  }
}
