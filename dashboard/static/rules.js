// What a figure's own rules do to it once its traces are filled; each figure names those that it has, in their order.

import { answerAxes } from "./answers.js";
import { sharedColours } from "./colours.js";
import { element, setRich, setText, texts } from "./dom.js";
import { LAG, OWN_LAG, overLag, ragged } from "./lags.js";
import { mapGrid } from "./maps.js";
import { lineNames, marks, sameSoFar } from "./margins.js";
import { isPercent, metricName } from "./metric.js";
import { inStrip, splitStrip } from "./split.js";
import { throughTime } from "./through_time.js";

/** @import { Card } from "./card.js" */
/** @import { Context } from "./figures.d.ts" */
/** @import { AxisLayout, Layout, Trace } from "./plotly.d.ts" */
/**
 * What a rule works on; `empty`: no run has a step yet.
 * @typedef {{ card: Card, context: Context, data: Trace[], layout: Layout, empty: boolean }} Drawn
 */

const TICK_EM = 2.6; // numbers on an axis are this far apart at least, in sizes of type
const FEW = 5; // steps that have a number each
const ZERO_EM = 4.9; // room for the words "exactly 0"
const SMALL_TICK_EM = 1.5; // and so far those between the powers of ten
const TITLE_EM = 1.4; // room for an upright title
const LETTER_EM = 0.56; // width of a letter
const RIGHT_AXIS_EM = 3.6; // room for its numbers and its title, in sizes of type

/** @type {Record<string, (drawn: Drawn) => void>} by the values of `dashboard.figures.Rule` */
export const RULES = {
  logAxis,
  lagAxis,
  lagRows,
  splitStrip,
  metricAxis,
  lineNames,
  floorZeros,
  sharedColours,
  answerAxes,
  namesLeft,
  mapGrid,
  validationWords,
  clippingShare,
  recordingCost,
  sameSoFar,
  stepsAhead,
  roomAhead,
  marks,
  throughTime,
};

/** @param {Drawn} drawn */
function logAxis({ context, layout }) {
  if (!context.options.log) layout.yaxis.type = "linear";
}

/** @param {Drawn} drawn */
function lagAxis({ context, layout }) {
  if (overLag(context)) layout.xaxis.title.text = ragged(context) ? OWN_LAG : LAG;
  if (ragged(context) && !context.options.lag) layout.xaxis.autorange = "reversed"; // the end stays on the right
}

/**
 * Rows of maps of gradients through time: timesteps, or lags, the end of the sequences on top.
 * @param {Drawn} drawn
 */
function lagRows({ context, data, layout }) {
  if (!ragged(context)) return;
  for (const [name, axis] of Object.entries(layout)) {
    if (!name.startsWith("yaxis")) continue;
    const rows = /** @type {AxisLayout} */ (axis);
    rows.autorange = "reversed";
    if (rows.title.text) rows.title.text = OWN_LAG;
  }
  for (const trace of data) {
    if (trace.type !== "heatmap") continue;
    trace.hovertemplate = "step %{customdata}, %{y} before the end: 10<sup>%{z:.2f}</sup><extra></extra>";
  }
}

/**
 * The right axis bears the metric's name; without a line on it there is none.
 * @param {Drawn} drawn
 */
function metricAxis({ context, data, layout }) {
  if (layout.yaxis2 && data.some((trace) => onRight(trace) && trace.y?.length)) {
    const names = new Set(context.runs.map(({ info }) => metricName(info)).filter(Boolean));
    const room = (context.height - layout.margin.t - layout.margin.b) / layout.font.size / LETTER_EM;
    layout.yaxis2.title.text = names.size === 1 ? texts([shortened([...names][0], room)], 50)[0] : "metric";
    const values = data.filter(onRight).flatMap(({ y }) => y ?? []);
    if (context.runs.every(({ info }) => isPercent(info))) layout.yaxis2.tickformat = ".0%";
    else if (layout.yaxis.type === "log" && values.every((value) => Number(value) > 0)) {
      Object.assign(layout.yaxis2, { type: "log", exponentformat: "power" }); // errors span as much as the loss does
    }
    layout.margin.r = RIGHT_AXIS_EM * layout.font.size;
  } else {
    delete layout.yaxis2;
    for (const trace of data) if (onRight(trace)) delete trace.yaxis;
  }
}

/**
 * A name without what stands in brackets or behind a comma, where it has more letters than fit.
 * @param {string} name
 * @param {number} most
 */
const shortened = (name, most) => (name.length > most ? name.split(/ \(|, /)[0] : name);

const ACROSS = new Set(["baseline", "threshold", "profileEnd"]); // fills of lines that have no end of their own

/** @param {Trace} trace */
const onRight = (trace) => trace.yaxis === "y2";

/**
 * A log axis has no 0: draw an exact 0 at one floor below everything else; leave out what is not finite.
 * @param {Drawn} drawn
 */
function floorZeros({ context, data, layout }) {
  let [least, most] = [Infinity, 0];
  const lines = data.filter((trace) => !inStrip(trace));
  for (const value of lines.flatMap((trace) => trace.y ?? [])) {
    if (typeof value !== "number" || !(value > 0) || value === Infinity) continue;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  if (!most) [least, most] = [1e-37, 1e-37];
  const lowest = Math.floor(Math.log10(least) + 1e-9);
  const floor = 10 ** (lowest - 1);
  if (lines.some(({ y }) => y?.includes(0))) {
    const length = (context.height - layout.margin.t - layout.margin.b) / layout.font.size;
    const apart = Math.max(1, Math.ceil(((Math.log10(most) - lowest + 1) * TICK_EM) / length));
    const powers = [];
    for (let power = lowest - 1 + apart; power <= Math.log10(most) + 1; power += apart) powers.push(power);
    layout.yaxis.tickvals = [floor, ...powers.map((power) => 10 ** power)];
    layout.yaxis.ticktext = ["exactly 0", ...powers.map((power) => `10<sup>${power}</sup>`)];
    layout.margin.l = Math.max(layout.margin.l, ZERO_EM * layout.font.size);
  }
  for (const trace of lines) {
    trace.y = trace.y?.map((value) => (value === 0 ? floor : Number.isFinite(value) ? value : null));
  }
}

/**
 * On the left as much room as the longest name on the y axis needs.
 * @param {Drawn} drawn
 */
function namesLeft({ data, layout }) {
  const longest = Math.max(0, ...data.flatMap(({ y }) => (y ?? []).map((name) => String(name).length)));
  const title = layout.yaxis.title.text ? TITLE_EM * layout.font.size : 0;
  layout.margin.l = Math.max(layout.margin.l, 14 + 0.56 * longest * layout.yaxis.tickfont.size + title);
}

/**
 * Which line is which, where there are two of a run.
 * @param {Drawn} drawn
 */
function validationWords({ card, context }) {
  const validated = context.runs.some(({ series }) => series.evaluations.step.length);
  setRich(card.subtitle, validated ? "thin: each training step, thick: validation" : card.about.subtitle);
}

/**
 * How often clipping acted lately: in the subtitle of one clipped run, else beside the names in the legend.
 * @param {Drawn} drawn
 */
function clippingShare({ card, context }) {
  const known = context.runs.map((run) => (run.clipped ? run.state?.insights?.clipped : null));
  const shares = known.map((share) => (typeof share === "number" ? `${Math.round(share * 100)} %` : ""));
  const told = shares.filter(Boolean);
  const words =
    told.length > 1
      ? "; in brackets: share of late steps clipped"
      : told.map((share) => `; lately ${share} clipped`).join("");
  setRich(card.subtitle, card.about.subtitle + words);
  for (const [index, node] of card.legend.querySelectorAll(".rgl-share").entries()) {
    setText(node, told.length > 1 && shares[index] ? `(${shares[index]})` : "");
  }
}

/** @param {Drawn} drawn */
function recordingCost({ card, context }) {
  const known = context.runs.map((run) => run.state?.insights?.recording_overhead);
  const costs = known.filter((cost) => typeof cost === "number");
  const most = Math.max(...costs);
  const share = most < 0.001 ? "under 0.1" : (most * 100).toFixed(1);
  const text = costs.length ? `recording these profiles costs ${share} % of the time` : "";
  if (card.legend.textContent !== text) card.legend.replaceChildren(element("span", "rgl-aside", text));
}

/**
 * Maps over training steps begin and end where lines over them do, however wide their columns are.
 * @param {Drawn} drawn
 */
function stepsAhead({ context, layout }) {
  for (const [name, axis] of Object.entries(layout)) {
    if (!name.startsWith("xaxis")) continue;
    const steps = /** @type {AxisLayout} */ (axis);
    steps.autorangeoptions = { clipmin: 0.5, clipmax: context.last + 0.5 };
    if (context.last <= FEW) steps.dtick = 1;
  }
}

/** @param {Drawn} drawn */
function roomAhead({ card, context, data, layout, empty }) {
  const { room } = card;
  if (empty || !room) return;
  const { runs } = context;
  const log = layout.yaxis.type === "log";
  const first = card.about.steps || !overLag(context) ? 1 : 0;
  const timesteps = Math.max(...runs.map((run) => run.series.timesteps));
  const left = data.filter((trace) => !onRight(trace) && !inStrip(trace));
  room.least = layout.meta?.decades ?? 0;
  if (card.about.steps) room.fit(left, log, first, context.last);
  else room.fit(left, log, first, first + timesteps - 1);
  for (const { x, meta } of data) if (x && ACROSS.has(meta?.fill ?? "")) x.splice(-1, 1, room.last); // to the right edge
  if (room.last - room.first < FEW) layout.xaxis.dtick = 1; // no half steps
  const decades = room.decades();
  const height = context.height - layout.margin.t - layout.margin.b;
  const fits = decades * SMALL_TICK_EM * layout.yaxis.tickfont.size < 0.3 * height; // 0.3 decades lie between 1 and 2
  if (decades > 0.6 && decades < 2.5 && fits) layout.yaxis.dtick = "D2"; // 1, 2, 5
  // Whole powers of ten, where plotly would take 1, 2 and 5.
  const apart = Math.ceil((decades * TICK_EM * layout.yaxis.tickfont.size) / height);
  if (decades > 1 && decades < 4 && !fits) layout.yaxis.dtick = Math.max(1, apart);
  data.push(room.corners(data.some((trace) => /markers|text/.test(trace.mode ?? "markers"))));
}
