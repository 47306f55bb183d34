// A layout as a whole: of a figure that is empty, and of one for a projector.

/** @import { Layout } from "./plotly.d.ts" */

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
 * Make type, lines and margins larger.
 * @param {object} node
 * @param {number} factor
 * @param {boolean} all whether all numbers of the node are lengths
 */
export function enlarge(node, factor, all = false) {
  for (const [key, value] of Object.entries(node)) {
    if (value && typeof value === "object") enlarge(value, factor, key === "margin");
    else if (typeof value !== "number") continue;
    else if (all || (key === "size" && value >= 10) || (key === "width" && value < 10)) {
      Object.assign(node, { [key]: value * factor });
    }
  }
}
