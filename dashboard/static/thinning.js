// The one rule by which gradient profiles are thinned, as rnncore/thinning.py says it: of each bucket of consecutive
// profiles those stay that have the largest and the smallest norm, and the furthest reach up and down.

/**
 * What the rule looks at. low, high: the extremes over the layers of the reach g[1] / g[T].
 * @typedef {{ norm: number, low: number, high: number }} Size
 */
/** @typedef {Size & { step: number }} Row */

const WHOLE_STEPS = 20; // profiles of the first training steps stay as long as there is room
export const PER_BUCKET = 4; // profiles of a bucket that may stay

/**
 * The size of a profile, its L x T numbers of `hidden_grad_norm`. A layer's last timestep is the last one that has a
 * gradient; a layer without any has no reach, and where none has one, it is 1. Columns that no sequence has do not
 * count: `counts` is its `sequence_count`.
 * @param {Float32Array} values
 * @param {number} timesteps
 * @param {Float32Array} [counts]
 * @returns {Size}
 */
export function sizeOf(values, timesteps, counts) {
  const first = Math.max(0, counts?.findIndex((count) => count > 0) ?? 0); // those without any stand at the beginning
  let sum = 0;
  let [low, high] = [Infinity, -Infinity];
  for (let start = 0; start < values.length; start += timesteps) {
    const layer = values.subarray(start + first, start + timesteps);
    for (const value of layer) sum += value * value;
    const reach = reachOf(layer);
    if (reach === null) continue;
    low = Math.min(low, reach);
    high = Math.max(high, reach);
  }
  if (high === -Infinity) low = high = 1;
  return { norm: Number.isFinite(sum) ? Math.sqrt(sum) : Infinity, low, high };
}

/** @param {Float32Array} layer */
function reachOf(layer) {
  if (!layer.every(Number.isFinite)) return Infinity;
  const last = layer.findLast((value) => value !== 0);
  return last === undefined ? null : layer[0] / last;
}

/**
 * The rows of a bucket that stay, at most PER_BUCKET, the furthest up first; a row may come twice. Of equal ones the
 * earliest.
 * @template {Row} R
 * @param {R[]} bucket
 */
export function extremes(bucket) {
  const found = [bucket[0], bucket[0], bucket[0], bucket[0]]; // highest reach, largest norm, lowest reach, smallest norm
  for (const row of bucket) {
    if (row.high > found[0].high) found[0] = row;
    if (row.norm > found[1].norm) found[1] = row;
    if (row.low < found[2].low) found[2] = row;
    if (row.norm < found[3].norm) found[3] = row;
  }
  return found;
}

/**
 * At most `count` (at least 1) of the rows, in their order. Where there is hardly any room: the newest before the
 * extremes of all, these before the first.
 * @template {Row} R
 * @param {R[]} rows in the order of their steps
 * @param {number} count
 */
export function thinned(rows, count) {
  if (rows.length <= count) return rows;
  const whole = rows.slice(0, roomForWhole(count)).filter((row) => row.step <= WHOLE_STEPS);
  const kept = new Set([rows[rows.length - 1], ...extremes(rows), rows[0], ...whole]);
  const rest = rows.slice(whole.length);
  for (let share = 2; share <= PER_BUCKET; share++) {
    const buckets = Math.floor((count - kept.size) / share);
    if (buckets <= 0) continue;
    const size = Math.ceil(rest.length / buckets);
    const more = new Set(kept);
    for (let start = 0; start < rest.length; start += size) {
      for (const row of extremes(rest.slice(start, start + size))) more.add(row);
    }
    if (more.size <= count) return inOrder([...more]);
  }
  return inOrder([...kept].slice(0, count));
}

/** @param {number} capacity */
function roomForWhole(capacity) {
  return Math.min(WHOLE_STEPS, Math.max(0, Math.floor((capacity - PER_BUCKET - 1) / 2)));
}

/**
 * @template {Row} R
 * @param {R[]} rows
 */
function inOrder(rows) {
  return rows.sort((a, b) => a.step - b.step);
}
