// What a refresh of the live board draws: the lines over training each time, other figures in their turn.

import { ACTIVE } from "./dom.js";

/** @import { TimeTravel } from "./time_travel.js" */
/** @import { LiveRun } from "./types.d.ts" */

export class Refreshes {
  /** @type {LiveRun[]} */ runs = [];
  /** @type {string[]} */ due = []; // figures of a new snapshot that wait for their turn
  /** @type {string | null} */ toldEmpty = null; // what stood in empty figures last
  number = 0;
  behind = false; // whether figures were left out
  fetching = false;
  stopped = false;

  /**
   * @param {TimeTravel} travel
   * @param {() => boolean} active whether more is to come
   */
  constructor(travel, active) {
    this.travel = travel;
    this.active = active;
  }

  /** @param {LiveRun[]} runs */
  open(runs) {
    Object.assign(this, { runs, due: [], number: 0 });
  }

  /**
   * Draw what came; once nothing comes (any more), what was left out meanwhile, and why figures are empty.
   * @param {boolean} news
   */
  async draw(news) {
    const empty = this.travel.hooks.empty();
    const training = news && this.travel.drawn && this.active() && !isOver(this.runs);
    if (news || this.behind || !this.travel.drawn || empty !== this.toldEmpty) {
      await this.travel.draw(training ? this.turn() : undefined);
    }
    this.behind = training;
    this.toldEmpty = empty;
  }

  // The figures whose turn it is; undefined: all of them.
  turn() {
    this.number += 1;
    if (this.number === 1) return undefined;
    const { cards } = this.travel.plots;
    const inTurn = (/** @type {string} */ name) => {
      const [every, offset] = cards[name].about.pace;
      return this.number % every === offset;
    };
    const next = this.due.find(inTurn);
    this.due = this.due.filter((name) => name !== next);
    return this.travel.plots.names().filter((name) => (cards[name].about.shows ? name === next : inTurn(name)));
  }

  // Fetch the snapshots that the cursor asks for and draw what came.
  async fetchSnapshots() {
    const step = this.travel.cursor();
    const wanted = this.runs.filter((run) => run.id && run.snapshots.wanted(step, ACTIVE.has(run.state?.status)));
    if (!wanted.length || this.fetching) return;
    this.fetching = true;
    try {
      const came = await Promise.all(wanted.map((run) => run.snapshots.fetch(step)));
      if (!came.some(Boolean) || this.stopped) return;
      const names = this.travel.ofSnapshots();
      const first = this.runs.every((run) => run.snapshots.kept.length <= 1);
      if (step !== null || !this.active() || first) await this.travel.draw(names);
      else this.due = [...new Set([...this.due, ...this.travel.plots.inView(names)])];
    } catch {
      // the poll tells of a server that does not answer
    } finally {
      this.fetching = false;
      if (this.travel.cursor() !== step) this.fetchSnapshots();
    }
  }

  stop() {
    this.stopped = true;
  }
}

/** @param {LiveRun[]} runs */
export const isOver = (runs) => runs.every((run) => run.state && !ACTIVE.has(run.state.status));
