// What stands in a trace: the measured columns that its `meta` names, in the form in which plotly draws them.

import { range } from "./dom.js";
import { fillSnapshot } from "./snapshots.js";

const MAX_MARKERS = 60; // points of a line that are marked one by one
const MAPS_IN_A_ROW = 3;
const COLUMN_PX = 1.5; // of a map: narrower ones could not be told apart
const SNAPSHOT_COLUMNS = new Set(["targets", "outputs", "confusion", "histogram", "gates", "attention"]);

// A text's shadow in the colour of the ground, so that it can be read on a line.
function halo(layout) {
  return new Array(4).fill(`0 0 3px ${layout.hoverlabel.bgcolor}`).join(", ");
}

// One array for equal lists of words: plotly compares arrays by identity.
const lists = new Map();
function same(list) {
  const key = list.join("\n");
  if (lists.size > 500) lists.clear();
  if (!lists.has(key)) lists.set(key, list);
  return lists.get(key);
}

// Fill a trace of the spec with the measured columns that its `meta` names.
export function fill(trace, context) {
  const meta = trace.meta ?? {};
  if (meta.option) trace.visible = context.options[meta.option];
  if (meta.baseline !== undefined) return fillBaseline(trace, meta.baseline, context.runs);
  const run = context.runs[meta.run];
  if (!run || trace.visible === false) return undefined;
  if (meta.gate !== undefined || SNAPSHOT_COLUMNS.has(meta.z ?? meta.y)) {
    return fillSnapshot(trace, context.snapshots, context.view.layer ?? 0);
  }
  if (meta.y === "bound") return fillBound(trace, run, context);
  if (meta.z) return fillHeatmap(trace, run.series, context);
  if (meta.x === "t") return fillProfile(trace, meta.y, run.series, context);
  [trace.x, trace.y] = run.series.line(meta.x, meta.y);
  if (trace.marker && trace.x.length > MAX_MARKERS) trace.mode = "lines"; // they would hide the line and each other
  return undefined;
}

// The bound of the step at which its snapshot was taken: (sigma gamma)^(T - t) times that step's own last gradient.
function fillBound(trace, run, { view, options, snapshots }) {
  const snapshot = snapshots[trace.meta.run];
  const layer = view.layer ?? 0;
  const profile = snapshot && run.series.profiles.find((each) => each.step === snapshot.step);
  if (!profile || snapshot.sigma_max?.bound_layer !== layer) return;
  const last = run.series.layer(profile.hidden_grad_norm, layer).at(-1);
  const factor = snapshot.sigma_max.values[layer] * snapshot.sigma_max.gamma;
  const T = run.series.timesteps;
  trace.x = range(T).map((t) => (options.lag ? T - t : t));
  trace.y = range(T).map((t) => last * factor ** (T - t));
  trace.hovertemplate = `%{y:.2e} (at step ${snapshot.step})`;
}

// A baseline belongs to the data: none is drawn for runs on different ones.
function fillBaseline(trace, index, runs) {
  const known = runs.map((run) => run.info?.baselines).filter(Boolean);
  const baseline = known[0]?.[index];
  if (!baseline || known.some((others) => others[index]?.loss !== baseline.loss)) return;
  const last = Math.max(...runs.map((run) => run.series.step.at(-1) ?? 1), 2);
  trace.visible = true;
  trace.name = baseline.name;
  trace.x = [1, last];
  trace.y = [baseline.loss, baseline.loss];
}

function fillHeatmap(trace, series, { runs, view, options, width }) {
  const column = options.cell && series.profiles.some((p) => p.cell_grad_norm) ? "cell_grad_norm" : trace.meta.z;
  const most = Math.max(60, Math.round(width / Math.min(runs.length, MAPS_IN_A_ROW) / COLUMN_PX));
  const { first, apart, profiles } = series.columns(column, most);
  const steps = profiles.map((profile) => profile.step);
  trace.x0 = first;
  trace.dx = apart;
  trace.y = range(series.timesteps);
  trace.z = trace.y.map(() => new Array(profiles.length));
  trace.customdata = trace.y.map(() => steps);
  for (const [place, profile] of profiles.entries()) {
    for (const [t, value] of series.layer(profile[column], view.layer ?? 0).entries()) {
      trace.z[t][place] = Number.isFinite(value) ? Math.log10(value) : null; // an exact 0 becomes -Infinity
    }
  }
}

function fillProfile(trace, column, series, { view, options }) {
  const profile = series.profileAt(view.cursor);
  if (!profile) return;
  const hidden = series.layer(profile.hidden_grad_norm, view.layer ?? 0);
  let norms = [];
  if (column === "fit") norms = fitted(hidden);
  else if (column === "scaled")
    norms = [...hidden].map((value) => value * (series.clip_coef[series.rowAt(profile.step)] ?? 1));
  else if (profile[column]) norms = [...series.layer(profile[column], view.layer ?? 0)];
  trace.x = range(norms.length).map((t) => (options.lag ? norms.length - t : t));
  trace.y = norms;
  trace.hovertemplate = same(norms.map((value) => (value === 0 ? "exactly 0" : "%{y:.2e}")));
  if (column === "direct_grad_norm") trace.y = norms.map((value) => (value === 0 ? null : value));
  if (norms.filter((value) => value > 0).length === 1) trace.mode = "lines+markers";
}

// A log axis has no 0: draw an exact 0 at one floor below everything else; leave out what is not finite.
export function floorZeros(data, layout) {
  const values = data.flatMap((trace) => trace.y ?? []).filter((value) => value > 0 && Number.isFinite(value));
  const floor = (values.length ? Math.min(...values) : 1e-37) / 10;
  if (data.some(({ y }) => y?.includes(0))) {
    const place = { x: 0, xref: "paper", xanchor: "left", y: Math.log10(floor), yanchor: "bottom", showarrow: false };
    layout.annotations = [{ text: "exactly 0", ...place, font: { size: layout.font.size, shadow: halo(layout) } }];
  }
  for (const trace of data) {
    trace.y = trace.y?.map((value) => (value === 0 ? floor : Number.isFinite(value) ? value : null));
  }
}

// Least-squares line through log g[t] against t, over what is finite and not 0.
function fitted(norms) {
  const points = [...norms].map((value, t) => [t, Math.log(value)]).filter(([, y]) => Number.isFinite(y));
  if (points.length < 2) return [];
  const mean = (place) => points.reduce((sum, point) => sum + point[place], 0) / points.length;
  const [tMean, yMean] = [mean(0), mean(1)];
  const slope =
    points.reduce((sum, [t, y]) => sum + (t - tMean) * (y - yMean), 0) /
    points.reduce((sum, [t]) => sum + (t - tMean) ** 2, 0);
  return [...norms].map((_, t) => Math.exp(yMean + slope * (t - tMean)));
}

// Shared colour range over all maps, from the smallest to the largest finite value; an exact 0 sits at the bottom.
export function colorRange(data, layout) {
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
  layout.coloraxis.cmin = low;
  layout.coloraxis.cmax = high;
  for (const trace of data) {
    if (trace.z) trace.z = trace.z.map((row) => row.map((value) => (value === -Infinity ? low : value)));
  }
}

// The baselines' names at the right edge, in a halo: the highest above its line, others below theirs.
export function baselineLabels(data, layout) {
  const log = layout.yaxis.type === "log";
  const lines = data.filter(({ meta, y }) => meta?.baseline !== undefined && (y[0] > 0 || !log));
  const highest = Math.max(...lines.map(({ y }) => y[0]));
  return lines.map(({ name, y: [loss], textfont }) => ({
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
