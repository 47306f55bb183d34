// One range of colours for all maps of a figure, which a few extreme values do not stretch: those have colours of their own.

/** @import { Drawn } from "./rules.js" */
/** @import { Trace } from "./plotly.d.ts" */

const TAIL = 0.01; // share of the values on either side that may lie outside of the range
const WORTH = 0.15; // the tails get colours of their own where they would take this share of the range and more
const CAP = 0.06; // share of the colour bar that such a colour has at its end
const SAMPLE = 20_000; // values looked at
const LEAST = 0.1; // of a range
const STEPS = 2; // places per power of ten where it may end
const TOO_WIDE = 0.5; // values that fill less than this share of the range get a smaller one
const TICKS = 4;
const TICK_EM = 1.6; // numbers beside the bar are this far apart at least, in sizes of type

/**
 * An exact 0 (-Infinity as a logarithm) is below everything else.
 * @param {Drawn} drawn
 */
export function sharedColours({ card, context, data, layout }) {
  const values = sampled(data);
  const caps = context.view.palette.caps;
  let [low, high] = values.length ? [values[0], values[values.length - 1]] : [-1, 0];
  const [least, most] = [low, high];
  const [from, to] = [at(values, TAIL), at(values, 1 - TAIL)];
  if (from - low > WORTH * (to - low)) low = from;
  if (high - to > WORTH * (high - from)) high = to;
  [low, high] = card.colours = steady([low, high], card.colours);
  if (high - low < LEAST) [low, high] = [low - LEAST / 2, high + LEAST / 2];
  const [below, above] = [least < low, most > high];
  const cap = (high - low) * CAP;
  const [cmin, cmax] = [below ? low - cap : low, above ? high + cap : high];
  const share = (/** @type {number} */ value) => (value - cmin) / (cmax - cmin);
  const scale = /** @type {[number, string][]} */ (layout.coloraxis?.colorscale ?? []);
  const inner = scale.map(([place, color]) => [share(low + place * (high - low)), color]);
  const colorscale = [
    ...(below
      ? [
          [0, caps[0]],
          [share(low), caps[0]],
        ]
      : []),
    ...inner,
    ...(above
      ? [
          [share(high), caps[1]],
          [1, caps[1]],
        ]
      : []),
  ]; // prettier-ignore
  const bar = /** @type {{ nticks?: number } | undefined} */ (layout.coloraxis?.colorbar);
  const { margin, font } = layout;
  const fitting = Math.max(2, Math.floor((context.height - margin.t - margin.b) / font.size / TICK_EM));
  const powers = Math.max(1, Math.min(TICKS, fitting - Number(below) - Number(above)));
  const numbers =
    below || above
      ? ticks(low, high, below, above, cap, powers)
      : { nticks: Math.min(bar?.nticks ?? fitting, fitting) };
  const colorbar = { ...bar, ...numbers };
  layout.coloraxis = { ...layout.coloraxis, colorscale, colorbar, cmin, cmax };
  for (const row of data.flatMap((trace) => trace.z ?? [])) {
    for (const [place, value] of row.entries()) if (value === -Infinity) row[place] = cmin;
  }
}

/**
 * The range that was drawn, where it fits, so that most refreshes leave the colours as they are; else a new one.
 * @param {[number, number]} needed
 * @param {[number, number] | null} before
 * @returns {[number, number]}
 */
function steady([low, high], before) {
  if (before && low >= before[0] && high <= before[1] && high - low >= TOO_WIDE * (before[1] - before[0]))
    return before;
  return [Math.floor(low * STEPS) / STEPS, Math.ceil(high * STEPS) / STEPS];
}

/**
 * The finite values of all maps, in ascending order: all, or every so many-th.
 * @param {Trace[]} data
 */
function sampled(data) {
  const rows = data.flatMap((trace) => trace.z ?? []);
  const every = Math.max(1, Math.ceil((rows.length * (rows[0]?.length ?? 0)) / SAMPLE));
  const list = [];
  let number = 0;
  for (const row of rows) {
    for (const value of row) {
      if (value !== null && value !== undefined && value !== -Infinity && number++ % every === 0) list.push(value);
    }
  }
  return Float64Array.from(list).sort();
}

/**
 * @param {Float64Array} sorted
 * @param {number} share
 */
const at = (sorted, share) => sorted[Math.round(share * (sorted.length - 1))] ?? NaN;

/**
 * Whole powers within the range, and the ends beyond which a colour says only that a value lies there.
 * @param {number} low
 * @param {number} high
 * @param {boolean} below
 * @param {boolean} above
 * @param {number} cap
 * @param {number} most powers that have room
 */
function ticks(low, high, below, above, cap, most) {
  const apart = Math.max(1, Math.ceil((high - low) / most));
  const power = (/** @type {number} */ exponent) => `10<sup>${Number(exponent.toFixed(1))}</sup>`;
  const list = [];
  for (let exponent = Math.ceil(low); exponent <= high; exponent++) {
    const free = (!below || exponent - low > apart / 2) && (!above || high - exponent > apart / 2);
    if (exponent % apart === 0 && free) list.push([exponent, power(exponent)]);
  }
  if (below) list.unshift([low - cap / 2, `< ${power(low)}`]);
  if (above) list.push([high + cap / 2, `> ${power(high)}`]);
  const [tickvals, ticktext] = [list.map(([value]) => value), list.map(([, text]) => text)];
  return { tickmode: "array", tickvals, ticktext, tickprefix: "", ticksuffix: "" };
}
