// How the wall orders and draws runs: one logarithmic axis for all, so that the pictures can be compared.

/** @import { WallRun } from "./class.d.ts" */
/** @typedef {"losses" | "gradients"} What */

const SHAPE = 1.5; // width of a tile by its height, about
const FEW = 0.08; // of all numbers: so many large ones are not worth half of the axis
const LEAST_DECADES = 0.5; // that the others have before that is asked
const MOST_DECADES = 12; // of the axis: what is lower runs along its bottom

/**
 * The lowest final loss first; then what trains still; then what has no finite loss.
 * @param {WallRun[]} runs
 */
export function sorted(runs) {
  const rank = (/** @type {WallRun} */ { loss, status }) =>
    status === "diverged" ? 2 : loss !== null && Number.isFinite(loss) ? 0 : 1;
  return [...runs].sort(
    (a, b) =>
      rank(a) - rank(b) || (a.loss ?? 0) - (b.loss ?? 0) || a.label.localeCompare(b.label, "en", { numeric: true }),
  );
}

/**
 * What a picture draws: numbers over an axis that ends at `last`. Of the gradient it is the top layer's.
 * @param {Pick<WallRun, "curve" | "profile" | "steps">} run
 * @param {What} what
 */
export function lineOf({ curve, profile, steps }, what) {
  if (what === "losses") return { xs: curve.step, ys: curve.loss, last: steps };
  return { xs: profile?.t ?? [], ys: profile?.norm.at(-1) ?? [], last: profile?.t.at(-1) ?? 1 };
}

/**
 * Logarithms of the ends of the axis: of the smallest and the largest number that the pictures show. A few large ones,
 * such as the first losses of runs that begin far off, do not press all others together: they run along the top.
 * @param {WallRun[]} runs
 * @param {What} what
 * @returns {[number, number]}
 */
export function spanOf(runs, what) {
  const logs = logsOf(runs, what).sort((a, b) => a - b);
  if (!logs.length) return [0, 1];
  const [low, largest, most] = [logs[0], logs[logs.length - 1], logs[Math.ceil((1 - FEW) * (logs.length - 1))]];
  const room = Math.max(most - low, LEAST_DECADES);
  const high = largest - low > 2 * room ? low + 1.1 * room : largest;
  if (high - low < 0.1) return [low - 0.05, high + 0.05];
  return [Math.max(low, high - MOST_DECADES), high];
}

/**
 * Whether lines run along the top, because they go beyond it.
 * @param {WallRun[]} runs
 * @param {What} what
 * @param {[number, number]} span
 */
export const isCut = (runs, what, [, high]) => logsOf(runs, what).some((log) => log > high);

/**
 * @param {WallRun[]} runs
 * @param {What} what
 */
function logsOf(runs, what) {
  const numbers = runs.flatMap((run) => lineOf(run, what).ys);
  return numbers.flatMap((value) => (value !== null && value > 0 && Number.isFinite(value) ? [Math.log10(value)] : []));
}

/**
 * A line as the data of an SVG path; it has gaps where there is no number, and 0 lies on the bottom.
 * @param {number[]} xs
 * @param {(number | null)[]} ys
 * @param {number} last end of the x axis
 * @param {[number, number]} span logarithms of the ends of the y axis
 * @param {number} width
 * @param {number} height
 */
export function pathOf(xs, ys, last, [low, high], width, height) {
  const first = xs[0] ?? 0;
  let path = "";
  let on = false;
  for (const [index, value] of ys.entries()) {
    if (value === null || !Number.isFinite(value) || value < 0) {
      on = false;
      continue;
    }
    const x = last > first ? ((xs[index] - first) / (last - first)) * width : 0;
    const share = Math.min(1, Math.max(0, (Math.log10(value) - low) / (high - low)));
    path += `${on ? "L" : "M"}${x.toFixed(1)} ${((1 - share) * height).toFixed(1)}`;
    on = true;
  }
  return path;
}

/**
 * Into how many columns so many tiles go, so that each is as large as it can be in a room of this size.
 * @param {number} tiles
 * @param {number} width
 * @param {number} height
 */
export function columnsFor(tiles, width, height) {
  let best = 1;
  let largest = 0;
  for (let columns = 1; columns <= tiles; columns++) {
    const rows = Math.ceil(tiles / columns);
    const size = Math.min(width / columns, (height / rows) * SHAPE);
    if (size > largest * 1.001) [best, largest] = [columns, size];
  }
  return best;
}
