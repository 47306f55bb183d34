// What can be said of the runs as they stood at the cursor's step: asked of the server once the cursor rests.

import { ACTIVE, count } from "./dom.js";

/** @import { Insights, LiveRun } from "./types.d.ts" */

const REST_MS = 150;

export class Verdicts {
  timer = 0;

  /**
   * @param {() => LiveRun[]} runs
   * @param {() => number | null} cursor
   * @param {() => void} show
   */
  constructor(runs, cursor, show) {
    this.runs = runs;
    this.cursor = cursor;
    this.show = show;
  }

  ask() {
    clearTimeout(this.timer);
    const step = this.cursor();
    if (step !== null) this.timer = window.setTimeout(() => this.fetch(step), REST_MS);
    else {
      for (const run of this.runs()) run.verdicts = null;
      this.show();
    }
  }

  /** @param {number} step */
  async fetch(step) {
    for (const run of this.runs().filter((candidate) => candidate.id)) {
      const answer = await fetch(new URL(`api/runs/${run.id}/insights?step=${step}`, document.baseURI));
      if (!answer.ok || this.cursor() !== step) return;
      const { step: reached, verdicts } = /** @type {Insights} */ (await answer.json());
      if (reached < step && ACTIVE.has(run.state?.status)) continue; // asked again once it has come so far
      const [first, ...others] = verdicts.map((verdict) => verdict.sentence);
      run.verdicts = first ? [`At step ${count(step)}: ${first}`, ...others] : null;
    }
    this.show();
  }

  // Whether a run has none yet of the cursor's step.
  missing() {
    return this.cursor() !== null && this.runs().some((run) => run.verdicts === undefined);
  }

  stop() {
    clearTimeout(this.timer);
  }
}
