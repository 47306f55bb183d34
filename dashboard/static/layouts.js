// A layout as a whole: of a figure that is empty, and of one for a projector.

/** @import { Spec } from "./figures.d.ts" */
/** @import { AxisLayout, Layout } from "./plotly.d.ts" */

const LENGTHS = new Set(["size", "width", "thickness", "standoff"]);
/** @type {Record<string, number>} */
const TICKS = { x: 5, y: 4 }; // so many numbers at most along the whole of an axis
const APART_EM = 2; // numbers on a y axis, in sizes of type
const TIGHTER = 0.85; // large type needs less room around it

/**
 * Say in the middle of an empty figure why it is.
 * @param {Layout} layout
 * @param {string} text
 */
export function announce(layout, text) {
  for (const axis of Object.keys(layout).filter((key) => /^[xy]axis/.test(key))) {
    const bare = { showticklabels: false, ticks: "", showgrid: false, range: [0, 1], autorange: false };
    layout[axis] = { .../** @type {object} */ (layout[axis]), ...bare };
  }
  layout.coloraxis &&= { ...layout.coloraxis, showscale: false };
  layout.shapes = [];
  const middle = { showarrow: false, x: 0.5, y: 0.5, xref: "paper", yref: "paper", opacity: 0.8 };
  layout.annotations = [{ text, ...middle, font: { size: layout.font.size * 1.15 } }];
}

/**
 * So few numbers on the y axes that they do not touch each other.
 * @param {Layout} layout
 * @param {number} height of the figure
 */
export function sparse(layout, height) {
  const inner = height - layout.margin.t - layout.margin.b;
  for (const [key, value] of Object.entries(layout)) {
    if (!key.startsWith("yaxis")) continue;
    const axis = /** @type {AxisLayout} */ (value);
    const [from, to] = axis.domain ?? [0, 1];
    const most = Math.max(2, Math.floor((inner * (to - from)) / (APART_EM * axis.tickfont.size)));
    axis.nticks = Math.min(axis.nticks || most, most);
  }
}

/**
 * Make a figure readable from the last row: type, lines and margins larger, fewer numbers on its axes.
 * @param {Spec} spec
 * @param {number} typePx size of the type
 */
export function legible(spec, typePx) {
  const { layout } = spec;
  enlarge(spec, typePx / layout.font.size, typePx);
  for (const side of /** @type {const} */ (["l", "r", "t", "b"])) layout.margin[side] *= TIGHTER;
  if (layout.coloraxis) layout.coloraxis.colorbar = { ...layout.coloraxis.colorbar, nticks: 3 };
  for (const [key, value] of Object.entries(layout)) {
    if (!/^[xy]axis/.test(key)) continue;
    const axis = /** @type {AxisLayout} */ (value);
    const [from, to] = axis.domain ?? [0, 1];
    const most = Math.max(3, Math.round(TICKS[key[0]] * (to - from)));
    axis.nticks = Math.min(axis.nticks ?? most, most);
  }
}

/**
 * Make lines, margins and type larger, all type at least as large as the layout's own.
 * @param {object} node
 * @param {number} factor
 * @param {number} typePx
 * @param {string} name of the node
 */
function enlarge(node, factor, typePx, name = "") {
  for (const [key, value] of Object.entries(node)) {
    if (value && typeof value === "object") enlarge(value, factor, typePx, key);
    else if (typeof value !== "number") continue;
    else if (/font$/.test(name) && key === "size") Object.assign(node, { [key]: Math.max(typePx, value * factor) });
    else if (name === "margin" || LENGTHS.has(key)) Object.assign(node, { [key]: value * factor });
  }
}
