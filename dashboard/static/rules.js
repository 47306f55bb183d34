// What a figure's own rules do to it once its traces are filled; each figure names those that it has, in their order.

import { ACTIVE, element, setRich, setText } from "./dom.js";

/** @import { Card } from "./card.js" */
/** @import { Context } from "./figures.d.ts" */
/** @import { Layout, Trace } from "./plotly.d.ts" */
/**
 * What a rule works on; `empty`: no run has a step yet.
 * @typedef {{ card: Card, context: Context, data: Trace[], layout: Layout, empty: boolean }} Drawn
 */

const RIGHT_AXIS_EM = 3.6; // room for its numbers and its title, in sizes of type

/** @type {Record<string, (drawn: Drawn) => void>} by the values of `dashboard.figures.Rule` */
export const RULES = {
  logAxis,
  lagAxis,
  metricAxis,
  baselineLabels,
  floorZeros,
  sharedColours,
  firstSequence,
  namesLeft,
  clippingShare,
  recordingCost,
  marks,
  roomAhead,
};

/** @param {Drawn} drawn */
function logAxis({ context, layout }) {
  if (!context.options.log) layout.yaxis.type = "linear";
}

/** @param {Drawn} drawn */
function lagAxis({ context, layout }) {
  if (context.options.lag) layout.xaxis.title.text = "lag T − t (0: the last timestep)";
}

/**
 * The right axis bears the metric's name; without a line on it there is none.
 * @param {Drawn} drawn
 */
function metricAxis({ context, data, layout }) {
  if (layout.yaxis2 && data.some((trace) => onRight(trace) && trace.y?.length)) {
    const names = new Set(context.runs.flatMap((run) => run.info?.metric ?? []));
    layout.yaxis2.title.text = names.size === 1 ? [...names][0] : "metric";
    layout.margin.r = RIGHT_AXIS_EM * layout.font.size;
  } else {
    delete layout.yaxis2;
    for (const trace of data) if (onRight(trace)) delete trace.yaxis;
  }
}

/** @param {Trace} trace */
const onRight = (trace) => trace.yaxis === "y2";

/**
 * The baselines' names at the right edge, in a halo: the highest above its line, others below theirs.
 * @param {Drawn} drawn
 */
function baselineLabels({ data, layout }) {
  const log = layout.yaxis.type === "log";
  const lines = data
    .filter((trace) => trace.meta?.baseline !== undefined)
    .map(({ name, y, textfont }) => ({ name, loss: Number(y?.[0]), textfont: /** @type {object} */ (textfont) }))
    .filter(({ loss }) => loss > 0 || !log);
  const highest = Math.max(...lines.map(({ loss }) => loss));
  layout.annotations = lines.map(({ name, loss, textfont }) => ({
    text: `${name}: ${Number(loss.toPrecision(3))}`,
    x: 1,
    xref: "paper",
    xanchor: "right",
    showarrow: false,
    y: log ? Math.log10(loss) : loss,
    yanchor: loss < highest ? "top" : "bottom",
    font: { ...textfont, shadow: halo(layout) },
  }));
}

/**
 * A text's shadow in the colour of the ground, so that it can be read on a line.
 * @param {Layout} layout
 */
function halo(layout) {
  return new Array(4).fill(`0 0 3px ${layout.hoverlabel.bgcolor}`).join(", ");
}

/**
 * A log axis has no 0: draw an exact 0 at one floor below everything else; leave out what is not finite.
 * @param {Drawn} drawn
 */
function floorZeros({ data, layout }) {
  let least = Infinity;
  for (const value of data.flatMap((trace) => trace.y ?? [])) {
    if (typeof value === "number" && value > 0 && value < least) least = value;
  }
  const floor = (least < Infinity ? least : 1e-37) / 10;
  if (data.some(({ y }) => y?.includes(0))) {
    const place = { x: 0, xref: "paper", xanchor: "left", y: Math.log10(floor), yanchor: "bottom", showarrow: false };
    layout.annotations = [{ text: "exactly 0", ...place, font: { size: layout.font.size, shadow: halo(layout) } }];
  }
  for (const trace of data) {
    trace.y = trace.y?.map((value) => (value === 0 ? floor : Number.isFinite(value) ? value : null));
  }
}

/**
 * One range of colours over all maps, from the smallest to the largest finite value; an exact 0 sits at the bottom.
 * @param {Drawn} drawn
 */
function sharedColours({ data, layout }) {
  let low = Infinity;
  let high = -Infinity;
  for (const trace of data) {
    for (const row of trace.z ?? []) {
      for (const value of row) {
        if (value === null || value === undefined || value === -Infinity) continue;
        if (value < low) low = value;
        if (value > high) high = value;
      }
    }
  }
  if (low > high) [low, high] = [-1, 0];
  if (high - low < 0.1) [low, high] = [low - 0.05, high + 0.05];
  layout.coloraxis = { ...layout.coloraxis, cmin: low, cmax: high };
  for (const trace of data) {
    for (const row of trace.z ?? []) {
      for (const [place, value] of row.entries()) if (value === -Infinity) row[place] = low;
    }
  }
}

/** @param {Drawn} drawn */
function firstSequence({ context, layout }) {
  const curves = context.snapshots.find((snapshot) => snapshot?.predictions?.kind === "regression")?.predictions;
  if (curves?.per_step) layout.xaxis.title.text = "timestep t of the first sequence";
}

/**
 * On the left as much room as the longest name on the y axis needs.
 * @param {Drawn} drawn
 */
function namesLeft({ data, layout }) {
  const longest = Math.max(0, ...data.flatMap(({ y }) => (y ?? []).map((name) => String(name).length)));
  layout.margin.l = Math.max(layout.margin.l, 14 + 0.56 * longest * layout.yaxis.tickfont.size);
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

/** @param {Drawn} drawn */
function marks({ context, layout }) {
  const { marks: list, palette } = context.view;
  layout.shapes = [...(layout.shapes ?? [])];
  layout.annotations = [...(layout.annotations ?? [])];
  for (const [index, { step, text, alert, late }] of list.entries()) {
    const color = alert ? palette.alert : palette.muted;
    layout.shapes.push({
      type: "line",
      x0: step,
      x1: step,
      y0: 0,
      y1: 1,
      yref: "paper",
      line: { color, width: 1, dash: "dot" },
    });
    layout.annotations.push({
      text,
      x: step,
      xref: "x",
      y: 1 - (index % 4) * 0.08,
      yref: "paper",
      yanchor: "top",
      xanchor: late ? "right" : "left",
      showarrow: false,
      font: { size: layout.font.size * 0.92, color },
    });
  }
}

/** @param {Drawn} drawn */
function roomAhead({ card, context, data, layout, empty }) {
  const { room } = card;
  if (empty || !room) return;
  const { runs } = context;
  const log = layout.yaxis.type === "log";
  const training = runs.some((run) => run.state && ACTIVE.has(run.state.status));
  const steps = training ? Math.max(...runs.map((run) => run.state?.steps ?? 0)) : null;
  const first = card.about.steps || !context.options.lag ? 1 : 0;
  const timesteps = Math.max(...runs.map((run) => run.series.timesteps));
  const left = data.filter((trace) => !onRight(trace));
  if (card.about.steps) room.fit(left, log, first, Math.max(...runs.map((run) => run.series.last || 1)), steps);
  else room.fit(left, log, first, first + timesteps - 1, null);
  for (const trace of data) if (trace.meta?.baseline !== undefined) trace.x = [first, room.last]; // up to its name
  const decades = room.decades();
  if (decades > 0.6 && decades < 2.5) layout.yaxis.dtick = "D2"; // 1, 2, 5
  data.push(room.corners(data.some((trace) => trace.mode !== "lines")));
}
