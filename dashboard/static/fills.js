// What stands in a trace: the measured columns that its `meta` names, in the form in which plotly draws them.

import { range } from "./dom.js";
import { overLag, ragged } from "./lags.js";
import { isPercent, toldValue } from "./metric.js";
import { PART_FILLS } from "./part_fills.js";
import { lineOf } from "./series.js";

/** @import { Context } from "./figures.d.ts" */
/** @import { Trace } from "./plotly.d.ts" */
/** @import { Run } from "./types.d.ts" */
/** @typedef {(trace: Trace, context: Context, run: Run) => void} Fill */

const MARKER_APART = 2; // markers, in their own size; nearer ones would hide the line and each other
const COLUMN_PX = 1.5; // of a map: narrower ones could not be told apart
const FEWEST_COLUMNS = 60;

/** @type {Record<string, Fill>} by the name that a trace's `meta.fill` says; those of snapshots are in part_fills.js */
const FILLS = {
  column: fillColumn,
  evaluations: fillEvaluations,
  metric: fillMetric,
  baseline: fillBaseline,
  threshold: fillThreshold,
  profile: fillProfile,
  profileEnd: fillProfileEnd,
  zone: () => {}, // see through_time.js: it depends on the axes
  profileMap: fillProfileMap,
};

/**
 * Fill a trace of the spec; `visible` is false afterwards where there is nothing to draw by the reader's choice.
 * @param {Trace} trace
 * @param {Context} context
 */
export function fill(trace, context) {
  const { fill: name = "", option, run: place = 0 } = trace.meta ?? {};
  if (option) trace.visible = context.options[option];
  const run = context.runs[place];
  if (trace.visible === false || !run) return;
  if (name in PART_FILLS) fillFromPart(PART_FILLS[name], trace, context, place);
  else FILLS[name](trace, context, run);
}

/** @type {Fill} */
function fillColumn(trace, { width }, { series }) {
  const { y, times } = trace.meta ?? {};
  if (!y) return;
  const factors = times ? series.column(times) : null;
  const values = series.column(y);
  const measured = factors ? values.map((value, row) => value * factors[row]) : values;
  setLine(trace, series.columns.step, measured, width);
}

/** @type {Fill} */
function fillEvaluations(trace, { width }, { series }) {
  const { y } = trace.meta ?? {};
  if (y) setLine(trace, series.evaluations.step, series.evaluation(y), width);
}

/** @type {Fill} */
function fillMetric(trace, { width }, { series, info }) {
  const values = series.evaluation("val_metric").map((value) => toldValue(info, value));
  setLine(trace, series.evaluations.step, values, width);
  if (isPercent(info)) trace.hovertemplate = "%{y:.1%}";
}

/**
 * @param {Trace} trace
 * @param {number[]} x
 * @param {number[]} y
 * @param {number} width of the figure
 */
function setLine(trace, x, y, width) {
  const [steps, values] = lineOf(x, y);
  trace.x = steps;
  trace.y = values;
  if (steps.length === 1)
    trace.mode = "lines+markers"; // a line of one point is none
  else if (trace.marker && steps.length * MARKER_APART * (trace.marker.size ?? 0) > width) trace.mode = "lines";
}

/**
 * The line stands where the answer's loss is on this validation set; what it is in theory is told where that differs.
 * @param {{ name: string; loss: number; in_theory?: number | null }} baseline
 */
function baselineName({ name, loss, in_theory: theory }) {
  if (typeof theory !== "number" || Math.abs(theory - loss) <= 0.005 * Math.abs(theory)) return name;
  return `${name} (in theory ${Number(theory.toPrecision(3))})`;
}

/**
 * A baseline belongs to the data: none is drawn for runs on different ones.
 * @type {Fill}
 */
function fillBaseline(trace, { runs }) {
  const place = trace.meta?.baseline ?? 0;
  const known = runs.flatMap((run) => (run.info?.baselines ? [run.info.baselines] : []));
  const baseline = known[0]?.[place];
  trace.visible = Boolean(baseline) && known.every((others) => others[place]?.loss === baseline.loss);
  if (!trace.visible) return;
  trace.name = baselineName(baseline);
  trace.x = [1, Math.max(...runs.map((run) => run.series.last || 1), 2)];
  trace.y = [baseline.loss, baseline.loss];
}

/**
 * A threshold holds until it is changed by hand, from the next step on.
 * @type {Fill}
 */
function fillThreshold(trace, _, { series }) {
  const value = trace.meta?.value ?? NaN;
  const changes = series.events.filter(([, name]) => name === "clip_threshold");
  trace.x = [1, ...changes.map(([step]) => step), Math.max(series.last, 2, changes.at(-1)?.[0] ?? 0)];
  trace.y = [value, ...changes.map(([, , changed]) => changed)];
  trace.y.push(trace.y[changes.length]);
}

/** @type {Fill} */
function fillProfileEnd(trace, context, { series, profiles }) {
  const { view } = context;
  const { y } = trace.meta ?? {};
  const profile = profiles.at(view.cursor, series);
  const end = y && profile ? (series.layer(profile, y, series.shown(view.layer)).at(-1) ?? 0) : 0;
  trace.x = overLag(context) ? [0, series.timesteps - 1] : [1, series.timesteps];
  trace.y = end > 0 && end < Infinity ? [end, end] : [];
}

/** @type {Fill} */
function fillProfile(trace, context, { series, profiles }) {
  const { view } = context;
  const { y, times, gaps, fit } = trace.meta ?? {};
  const profile = profiles.at(view.cursor, series);
  if (!y || !profile) return;
  const factor = times ? (series.column(times)[series.rowAt(profile.step)] ?? 1) : 1;
  const measured = [...series.layer(profile, y, series.shown(view.layer))];
  const norms = fit ? fitted(measured) : measured.map((value) => value * factor);
  const lag = overLag(context);
  trace.x = range(norms.length).map((t) => (lag ? norms.length - t : t));
  trace.y = gaps ? norms.map((value) => (value === 0 ? null : value)) : norms;
  const counts = series.ragged ? series.layer(profile, "sequence_count", series.shown(view.layer)) : null;
  trace.hovertemplate = same(norms.map((value, t) => (value === 0 ? "exactly 0" : "%{y:.2e}") + among(counts?.[t])));
  if (norms.filter((value) => value > 0).length === 1) trace.mode = "lines+markers";
}

/**
 * How many sequences of unequal length a norm is the mean over.
 * @param {number | undefined} count
 */
const among = (count) => (count ? ` (${count === 1 ? "of 1 sequence" : `mean over ${count} sequences`})` : "");

/** @type {Fill} */
function fillProfileMap(trace, context, { series }) {
  const { view, options, width, layout, last: until } = context;
  const { z, instead = {} } = trace.meta ?? {};
  if (!z) return;
  const chosen = Object.entries(instead).find(([option]) => options[option])?.[1];
  const axis = /** @type {{ domain?: number[] }} */ (layout[(trace.xaxis ?? "x").replace("x", "xaxis")]);
  const [from, to] = axis?.domain ?? [0, 1];
  const most = Math.max(FEWEST_COLUMNS, Math.round((width * (to - from)) / COLUMN_PX));
  const column = chosen && series.mapColumns(chosen, 1).profiles.length ? chosen : z;
  const share = Math.min(1, series.last / until); // what is to come has room on the right
  const { first, apart, profiles } = series.mapColumns(column, Math.max(1, Math.round(most * share)));
  const ahead = profiles.length ? Math.max(0, Math.floor((until - first) / apart) + 1 - profiles.length) : 0;
  const steps = profiles.map((profile) => profile.step);
  const last = series.timesteps;
  const rows = range(last).map(() => /** @type {(number | null)[]} */ (new Array(profiles.length + ahead).fill(null)));
  for (const [place, profile] of profiles.entries()) {
    for (const [t, value] of series.layer(profile, column, series.shown(view.layer)).entries()) {
      rows[t][place] = Number.isFinite(value) ? Math.log10(value) : null; // an exact 0 becomes -Infinity
    }
  }
  Object.assign(trace, {
    x0: first,
    dx: apart,
    y: range(last).map((t) => (ragged(context) ? last - t : t)),
    z: rows,
    customdata: rows.map(() => steps),
  });
}

/**
 * Fill from the snapshot of the trace's run. A map whose run has none yet gets the axes of another run's and stays
 * invisible: plotly cannot place a subplot of categories without any.
 * @param {typeof PART_FILLS[string]} fillPart
 * @param {Trace} trace
 * @param {Context} context
 * @param {number} place
 */
function fillFromPart(fillPart, trace, context, place) {
  const own = context.snapshots[place];
  if (own) fillPart(trace, own, context, context.runs[place]);
  const beside = context.snapshots.findIndex(Boolean);
  const other = context.snapshots[beside];
  if (own || trace.type !== "heatmap" || !other) return;
  fillPart(trace, other, context, context.runs[beside]);
  trace.z = trace.z?.map((row) => row.map(() => 0));
  Object.assign(trace, { opacity: 0, hoverinfo: "skip", hovertemplate: null, texttemplate: null });
}

/**
 * Least-squares line through log g[t] against t, over what is finite and not 0.
 * @param {number[]} norms
 */
function fitted(norms) {
  const points = norms.map((value, t) => [t, Math.log(value)]).filter(([, y]) => Number.isFinite(y));
  if (points.length < 2) return [];
  const mean = (/** @type {number} */ place) => points.reduce((sum, point) => sum + point[place], 0) / points.length;
  const [tMean, yMean] = [mean(0), mean(1)];
  const slope =
    points.reduce((sum, [t, y]) => sum + (t - tMean) * (y - yMean), 0) /
    points.reduce((sum, [t]) => sum + (t - tMean) ** 2, 0);
  return norms.map((norm, t) => (Number.isNaN(norm) ? NaN : Math.exp(yMean + slope * (t - tMean))));
}

/** @type {Map<string, string[]>} */
const lists = new Map();

/**
 * One array for equal lists of words: plotly compares arrays by identity.
 * @param {string[]} list
 */
function same(list) {
  const key = list.join("\n");
  if (lists.size > 500) lists.clear();
  const known = lists.get(key) ?? list;
  lists.set(key, known);
  return known;
}
