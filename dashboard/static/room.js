// Axis ranges that grow in steps, so that most refreshes have to move the lines only.

import { ACTIVE } from "./dom.js";

/** @import { Trace } from "./plotly.d.ts" */
/** @import { Run } from "./types.d.ts" */

const AHEAD = 1.25; // a training run's axis ends this much after its newest step
const MARGIN = 0.08; // of the values' span, below and above
const TOO_WIDE = 0.4; // values that fill less than this share of the room get a smaller one
const META = {}; // fills nothing; one object, because plotly compares it by identity
const STEPS = [1, 2, 5, 10];
const WHOLE = 0.3; // share of its steps from which a run's axis shows all of them

export class Room {
  log = false;
  low = NaN; // of the y axis, as it sees them: logarithms on a log axis
  high = NaN;
  first = NaN; // of the x axis
  last = NaN;
  least = 0; // decades that a log axis shows at least

  /**
   * Find room for the values of the traces.
   * @param {Trace[]} data
   * @param {boolean} log
   * @param {number} first where what is measured begins on the x axis
   * @param {number} last where it ends
   */
  fit(data, log, first, last) {
    Object.assign(this, { first, last });
    const [low, high] = widened(span(data, log), log ? this.least : 0);
    const fits = this.log === log && low >= this.low && high <= this.high;
    if (!(low <= high) || (fits && high - low >= TOO_WIDE * (this.high - this.low))) return;
    const margin = MARGIN * (high - low || 1);
    Object.assign(this, { log, low: low - margin, high: high + margin });
  }

  /**
   * An invisible line from corner to corner, which plotly's automatic ranges take in; zoom stays the reader's.
   * @param {boolean} marked whether a trace has markers or texts: plotly leaves a margin for them, the corners' is largest
   * @returns {Trace}
   */
  corners(marked) {
    const y = [this.low, this.high].map((value) => (this.log ? 10 ** value : value));
    const look = { mode: marked ? "lines+markers" : "lines", opacity: 0, hoverinfo: "skip", showlegend: false };
    return { type: "scatter", meta: META, x: [this.first, this.last], y, ...look };
  }

  decades() {
    return this.log ? this.high - this.low : 0;
  }
}

/**
 * Where the axis of training steps ends: on the left of it what was trained, and room for what will be next.
 * @param {Run[]} runs
 * @param {number} before where it ended
 * @param {number} early share of the steps that it grows ahead of its time
 */
export function lastAhead(runs, before, early = 0) {
  const training = runs.some((run) => run.state && ACTIVE.has(run.state.status));
  const end = training ? Math.max(...runs.map((run) => (run.state ? run.state.steps || Infinity : 0))) : null;
  const last = Math.max(...runs.map((run) => run.series.last || 1));
  if (end === null) return last;
  const needed = Math.min(end, (1 + early) * last);
  if (before >= needed) return before;
  return needed > WHOLE * end ? end : Math.min(end, rounded(AHEAD * needed));
}

/**
 * Smallest and largest finite value of the traces that are shown, as the axis sees them.
 * @param {Trace[]} data
 * @param {boolean} log
 * @returns {[number, number]}
 */
function span(data, log) {
  let [low, high] = [Infinity, -Infinity];
  for (const { y, visible } of data) {
    if (visible === false) continue;
    for (const value of y ?? []) {
      if (typeof value !== "number" || !Number.isFinite(value) || (log && value <= 0)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return log ? [Math.log10(low), Math.log10(high)] : [low, high];
}

/**
 * @param {[number, number]} span
 * @param {number} least
 * @returns {[number, number]}
 */
function widened([low, high], least) {
  const more = Math.max(0, least - (high - low)) / 2;
  return [low - more, high + more];
}

/** @param {number} value */
function rounded(value) {
  const unit = 10 ** Math.floor(Math.log10(value));
  return Math.ceil((STEPS.find((step) => step * unit >= value) ?? 10) * unit);
}
