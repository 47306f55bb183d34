// Where runs of one seed part from the first of them: the first step whose loss or gradient norm differs.

import { count } from "./dom.js";
import { firstDifference } from "./series.js";

/** @import { Mark } from "./figures.d.ts" */
/** @import { Run } from "./types.d.ts" */

/**
 * exact: whether no step before it is missing.
 * @typedef {{ step: number, exact: boolean }} Difference
 */

export class Partings {
  /** @type {(Difference | null)[]} */ found = []; // of each run but the first

  /**
   * Take up what has come; where runs have parted stays known.
   * @param {Pick<Run, "series">[]} runs
   */
  update([first, ...others]) {
    this.found = others.map(({ series }, place) => this.found[place] ?? firstDifference(first.series, series));
    return this;
  }

  /** The steps, ascending, each once. */
  steps() {
    return [...new Set(this.found.flatMap((each) => each?.step ?? []))].sort((a, b) => a - b);
  }

  /**
   * A mark for each step at which runs part: of two runs both, of more those that part there.
   * @param {Pick<Run, "label" | "short">[]} runs
   * @returns {Mark[]}
   */
  marks([, ...others]) {
    return this.steps().map((step) => {
      const here = others.flatMap((run, place) => (this.found[place]?.step === step ? [{ run, place }] : []));
      const when = here.every(({ place }) => this.found[place]?.exact) ? "at" : "by";
      const all = here.length === others.length;
      const names = here.map(({ run }) => (run.short ? `run ${run.short}` : run.label)).join(" and ");
      return {
        step,
        text: `${all ? "they part" : `${names} part${here.length > 1 ? "" : "s"}`} ${when} step ${count(step)}`,
      };
    });
  }

  /**
   * Indices of the runs that have not parted from the first, and of the first itself where there are some.
   * @param {Pick<Run, "series">[]} runs
   */
  alike(runs) {
    if (!runs[0]?.series.last) return [];
    const same = this.found.flatMap((each, place) => (!each && runs[place + 1]?.series.last ? [place + 1] : []));
    return same.length ? [0, ...same] : [];
  }
}
