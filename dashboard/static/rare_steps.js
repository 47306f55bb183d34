// The steps of runs at which something rare happens: the gradient is far longer than usual, or runs part.

/** @import { Run } from "./types.d.ts" */

const SPIKE = 10; // times the median of the run's norms
const MOST = 8;
const APART = 1 / 40; // of the run; of spikes nearer to one another the highest counts

/**
 * A few such steps, ascending.
 * @param {Pick<Run, "series">[]} runs
 * @param {number[]} partings steps at which runs part
 */
export function rareSteps(runs, partings) {
  const spikes = runs.flatMap(({ series }) => spikesOf(series.columns)).sort((a, b) => b.height - a.height);
  const apart = APART * Math.max(...runs.map((run) => run.series.last));
  const rare = partings.slice(0, MOST);
  for (const { step } of spikes) {
    if (rare.length === MOST) break;
    if (rare.every((each) => Math.abs(each - step) >= apart)) rare.push(step);
  }
  return rare.sort((a, b) => a - b);
}

/** @param {{ step: number[], grad_norm: number[] }} columns */
function spikesOf({ step, grad_norm }) {
  const sorted = grad_norm.filter(Number.isFinite).sort((a, b) => a - b);
  const usual = sorted[sorted.length >> 1];
  return grad_norm.flatMap((norm, row) => (norm > SPIKE * usual ? [{ step: step[row], height: norm / usual }] : []));
}
