// The snapshots of one run that the browser has: each what the run showed at one evaluation, fetched when it is wanted.

/** @import { Snapshot } from "./types.d.ts" */

const KEPT = 40;
const LIVE_MS = 900; // while training, a new one at most this often

export class SnapshotCache {
  /** @type {Snapshot[]} */ kept = []; // oldest use first
  /** @type {number | null} */ newest = null; // step of the newest one at the server
  fetchedAt = -Infinity;

  /**
   * @param {string | null} runId null: there is no server to ask
   * @param {Snapshot[]} kept
   */
  constructor(runId, kept = []) {
    this.runId = runId;
    this.kept = kept;
  }

  /**
   * The best one known for a step (null: the newest).
   * @param {number | null} step
   */
  at(step) {
    /** @type {Snapshot | null} */
    let best = null;
    for (const each of this.kept) {
      if ((step === null || each.step <= step) && (best === null || each.step > best.step)) best = each;
    }
    return best;
  }

  /**
   * Whether asking the server could bring a better one.
   * @param {number | null} step
   * @param {boolean} running
   */
  wanted(step, running) {
    if (this.newest === null) return false;
    const have = this.at(step);
    if (step === null || step >= this.newest) {
      const pause = running ? LIVE_MS : 0;
      return have?.step !== this.newest && performance.now() - this.fetchedAt >= pause;
    }
    return !have || step >= (have.next_step ?? have.step + 1); // none: the newest knew of no later one when it came
  }

  /**
   * Fetch the one for a step; return whether a new one came.
   * @param {number | null} step
   */
  async fetch(step) {
    this.fetchedAt = performance.now();
    const url = new URL(`api/runs/${this.runId}/snapshot`, document.baseURI);
    if (step !== null) url.searchParams.set("step", String(step));
    const answer = await fetch(url);
    if (!answer.ok) return false;
    /** @type {Snapshot | { step: null }} */
    const snapshot = await answer.json();
    if (snapshot.step === null) return false;
    this.kept = [...this.kept.filter((each) => each.step !== snapshot.step), snapshot].slice(-KEPT);
    return true;
  }
}
