// Following a class: one request that the server answers once something has changed, and then the next one. A board asks
// for what is new of its runs along with it.

import { call } from "./calls.js";

/** @import { ClassState } from "./class.d.ts" */
/** @import { News } from "./types.d.ts" */
/**
 * changed: the class is in another state; ended: there is no such class (any more), or this browser is not in it;
 * trouble: what is wrong, "" takes it back.
 * @typedef {{ changed: (state: ClassState) => void, ended: (status: number) => void, trouble: (text: string) => void }} Hooks
 */

const DRAWING_MS = 300; // a board that has drawn what came asks for more; for so long the class waits for it
const RETRY_MS = [500, 1000, 2000, 4000];
const NO_ANSWER = "The server does not answer at this moment.";

export class ClassWatch {
  /** @type {ClassState | null} */ state = null;
  failures = 0;
  following = true; // whether the page shows what the teacher's shows: the server counts who does
  stopped = false;
  timer = 0;
  /** @type {AbortController | null} */ abort = null;
  /** @type {{ query: URLSearchParams, give: (news: News) => void, refuse: () => void } | null} */ board = null;

  /**
   * @param {string} code
   * @param {Hooks} hooks
   */
  constructor(code, hooks) {
    this.code = code;
    this.hooks = hooks;
  }

  /** @param {boolean} following */
  follow(following) {
    if (following === this.following) return;
    this.following = following;
    if (this.state) this.ask();
  }

  /**
   * Ask for what is new of runs, too, until something is; null once the class is over.
   * @param {URLSearchParams} query
   * @param {AbortSignal} signal
   * @returns {Promise<News> | null}
   */
  along(query, signal) {
    if (this.stopped) return null;
    return new Promise((give, reject) => {
      const board = { query, give, refuse: () => reject(new DOMException("not asked any more", "AbortError")) };
      this.board = board;
      signal.addEventListener("abort", () => {
        if (this.board === board) this.board = null;
        board.refuse();
      });
      if (this.state) this.ask();
    });
  }

  // Ask for the next state; what was asked before is given up.
  async ask() {
    this.abort?.abort();
    clearTimeout(this.timer);
    if (this.stopped) return;
    const abort = new AbortController();
    this.abort = abort;
    const { status, answer } = await call("GET", this.path(), undefined, abort.signal);
    if (abort.signal.aborted || this.stopped) return;
    if (status === 404 || status === 403) {
      this.stop();
      this.hooks.ended(status);
    } else if (status === 200) this.take(answer);
    else this.retry();
  }

  path() {
    const version = this.state ? `version=${this.state.version}&` : "";
    const along = this.board ? `&${this.board.query}` : "";
    return `api/classes/${this.code}/changes?${version}following=${Number(this.following)}${along}`;
  }

  /** @param {ClassState & { records?: News }} answer */
  take({ records, ...state }) {
    if (this.failures) this.hooks.trouble("");
    this.failures = 0;
    const news = state.version !== this.state?.version;
    this.state = state;
    const { board } = this;
    if (records && board) {
      this.board = null;
      this.timer = window.setTimeout(() => this.ask(), DRAWING_MS);
      board.give(records);
    }
    if (news) this.hooks.changed(state);
    if (!records) this.ask();
  }

  retry() {
    const wait = RETRY_MS[Math.min(this.failures++, RETRY_MS.length - 1)];
    if (this.failures > 1) this.hooks.trouble(NO_ANSWER);
    this.timer = window.setTimeout(() => this.ask(), wait);
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.timer);
    this.abort?.abort();
    this.board?.refuse();
    this.board = null;
  }
}
