// Lines and maps moved on axes that stay: plotly computes and draws what was measured, and nothing else again.

/** @import { FullTrace, Layout, PlotElement, Trace } from "./plotly.d.ts" */

const MEASURED = /** @type {const} */ (["x", "y", "z", "x0", "dx", "customdata", "text", "hovertemplate"]);
const KINDS = new Set(["scatter", "heatmap"]);

/**
 * All that is drawn of a figure but what was measured, as one text: while it stays, only lines and maps have moved. The
 * places of numbers on a second axis may move along; null where there is more to a figure than that.
 * @param {Trace[]} data
 * @param {Layout} layout
 * @param {object | null} room of the axes
 */
export function frameOf(data, { yaxis2, ...layout }, room = /** @type {object | null} */ (null)) {
  if (data.some(({ type }) => !KINDS.has(type))) return null;
  const rest = data.map((trace) => ({ ...trace, ...NOTHING, there: Boolean((trace.y ?? trace.z)?.length) }));
  return JSON.stringify([
    { ...layout, yaxis2: yaxis2 && { ...yaxis2, tickvals: yaxis2.tickvals?.length } },
    room,
    rest,
  ]);
}

const NOTHING = Object.fromEntries(MEASURED.map((name) => [name, undefined]));

/**
 * Move lines and maps of a figure whose frame is as it was drawn; whether that could be done.
 * @param {PlotElement} plot
 * @param {Trace[]} data
 * @param {Layout} layout
 */
export function move(plot, data, layout) {
  const { _fullData: full, _fullLayout: drawn } = plot;
  const cartesian = drawn?._basePlotModules?.find(({ name }) => name === "cartesian");
  if (!full || !cartesian || full.length !== data.length || full.some(({ visible }) => visible !== true)) return false;
  if (!moveNumbers(plot, layout)) return false;
  plot.data = data;
  for (const [place, trace] of data.entries()) {
    const given = MEASURED.filter((name) => trace[name] !== undefined).map((name) => [name, trace[name]]);
    const own = Object.assign(full[place], Object.fromEntries(given), { _input: trace });
    if (trace.type === "scatter") own._length = Math.min(trace.x?.length ?? Infinity, trace.y?.length ?? 0);
  }
  plot.calcdata = full.map((trace) => computed(plot, trace));
  cartesian.plot(plot);
  drawn?._rehover?.();
  return true;
}

/**
 * What plotly computes of a trace before it draws it.
 * @param {PlotElement} plot
 * @param {FullTrace} trace
 */
function computed(plot, trace) {
  trace._extremes = {};
  const points = trace._module.calc(plot, trace);
  Object.assign(points[0], { t: points[0].t ?? {}, trace });
  const { hovertemplate: words } = trace;
  if (Array.isArray(words)) for (const [place, point] of points.entries()) point.ht = words[place];
  return points;
}

/**
 * The numbers of a second axis, which stand at places of its own, go where they belong now.
 * @param {PlotElement} plot
 * @param {Layout} layout
 */
function moveNumbers(plot, { yaxis2 }) {
  const values = yaxis2?.tickvals;
  const axis = plot._fullLayout?.yaxis2;
  if (!values || !axis?.l2p || !plot.layout?.yaxis2) return !values;
  const numbers = plot.querySelectorAll(".y2tick text");
  if (numbers.length !== values.length) return false; // the reader has zoomed
  axis.tickvals = plot.layout.yaxis2.tickvals = values;
  for (const [place, number] of numbers.entries()) {
    const at = axis._offset + axis.l2p(Math.log10(values[place]));
    number.setAttribute("transform", `translate(0,${at})`);
  }
  return true;
}
