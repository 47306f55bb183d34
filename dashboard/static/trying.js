// Presses of "Try it": one change under way at a time, and what came of the last one.

/** @import { Remedy, Tried } from "./types.d.ts" */

const PATIENCE_MS = 20_000; // after which the page is taken not to have heard
const NO_ANSWER = "The page did not answer. Try again.";

/** @typedef {{ number: number, run: string, changes: Record<string, unknown> }} Asked */

export class Trying {
  /** @type {string | null} */ waiting = null; // key of the change that was asked for and is not answered
  /** @type {{ key: string, problem: string } | null} */ refused = null;
  number = Date.now(); // of the last press: another page's answers have others
  timer = 0;

  /**
   * @param {(asked: Asked) => void} ask tells the page
   * @param {() => void} show
   */
  constructor(ask, show) {
    this.ask = ask;
    this.show = show;
  }

  /**
   * @param {string} run
   * @param {Remedy} remedy
   */
  press(run, remedy) {
    if (this.waiting !== null) return;
    this.number += 1;
    this.waiting = keyOf(run, remedy);
    this.refused = null;
    this.ask({ number: this.number, run, changes: remedy.changes });
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.answered({ number: this.number, problem: NO_ANSWER }), PATIENCE_MS);
    this.show();
  }

  /** @param {Tried | null} tried what the page last said */
  answered(tried) {
    if (tried?.number !== this.number || this.waiting === null) return;
    clearTimeout(this.timer);
    this.refused = tried.problem ? { key: this.waiting, problem: tried.problem } : null;
    this.waiting = null;
    this.show();
  }

  /**
   * Whether a change is on its way, and why it was refused, if so.
   * @param {string} run
   * @param {Remedy} remedy
   */
  about(run, remedy) {
    const key = keyOf(run, remedy);
    return { starting: this.waiting === key, problem: this.refused?.key === key ? this.refused.problem : null };
  }

  stop() {
    clearTimeout(this.timer);
  }
}

/**
 * @param {string} run
 * @param {Remedy} remedy
 */
const keyOf = (run, remedy) => JSON.stringify([run, remedy.changes]);
