// What can be said of the runs as they stood at the cursor's step: asked of the server once the cursor rests.

import { ACTIVE } from "./dom.js";
import { saidOf } from "./findings.js";

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
      for (const run of this.runs()) run.said = null;
      this.show();
    }
  }

  /** @param {number} step */
  async fetch(step) {
    const runs = this.runs();
    const said = await Promise.all(runs.map((run) => (run.id ? this.ofRun(run, step) : undefined)));
    if (this.cursor() !== step || runs !== this.runs()) return;
    for (const [index, run] of runs.entries()) {
      if (said[index] !== undefined) run.said = said[index];
    }
    this.show();
  }

  /**
   * What can be said of a run at a step, of the profile that is shown for it; undefined: not known yet.
   * @param {LiveRun} run
   * @param {number} step
   */
  async ofRun(run, step) {
    const answer = await fetch(new URL(`api/runs/${run.id}/insights?step=${step}`, document.baseURI));
    if (!answer.ok) return undefined;
    const insights = /** @type {Insights} */ (await answer.json());
    if (insights.last_step < step && ACTIVE.has(run.state?.status)) return undefined; // asked again once it is there
    await run.profiles.settle(step, insights.step, run.series);
    return saidOf(insights, insights.step, step);
  }

  // Whether a run has none yet of the cursor's step.
  missing() {
    return this.cursor() !== null && this.runs().some((run) => run.said === undefined);
  }

  stop() {
    clearTimeout(this.timer);
  }
}
