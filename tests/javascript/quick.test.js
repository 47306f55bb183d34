// Lines move alone where nothing else of a figure has changed, and only there.

import assert from "node:assert/strict";
import test from "node:test";
import { frameOf, move } from "../../dashboard/static/quick.js";
import { layout } from "./figure.js";

/** @import { PlotElement, Trace } from "../../dashboard/static/plotly.d.ts" */

/** @returns {Trace} */
const line = (/** @type {number[]} */ ...y) => ({
  type: "scatter",
  x: y.map((_, place) => place),
  y,
  line: { dash: "dot" },
});

test("what was measured is no part of a frame, and all else is", () => {
  const frame = frameOf([line(1, 2)], layout());
  assert.equal(frameOf([line(3, 4, 5)], layout()), frame);
  assert.notEqual(frameOf([line()], layout()), frame); // plotly leaves out a line without points
  assert.notEqual(frameOf([{ ...line(1, 2), line: { dash: "dash" } }], layout()), frame);
  assert.notEqual(frameOf([line(1, 2), line(1, 2)], layout()), frame);
  assert.notEqual(frameOf([line(1, 2)], { ...layout(), annotations: [] }), frame);
});

test("numbers of a second axis may move, but not become more", () => {
  const framed = (/** @type {number[]} */ ...tickvals) =>
    frameOf([line(1)], { ...layout(), yaxis2: { title: {}, tickfont: { size: 12 }, tickvals } });
  assert.equal(framed(1, 10), framed(2, 20));
  assert.notEqual(framed(1, 10), framed(1, 10, 100));
});

test("axes with another room are another frame", () => {
  assert.notEqual(frameOf([line(1)], layout(), { low: 1 }), frameOf([line(1)], layout(), { low: 2 }));
});

test("a figure with bars is drawn as a whole", () =>
  assert.equal(frameOf([{ ...line(1), type: "bar" }], layout()), null));

/** A figure as plotly keeps it, and what was asked of plotly. */
function drawn({ visible = true } = {}) {
  /** @type {string[]} */
  const asked = [];
  const cartesian = { name: "cartesian", plot: () => asked.push("plot") };
  const calc = () => [{ calculated: asked.push("calc") }, {}];
  const full = [{ ...line(1, 2), visible, _length: 2, _module: { calc } }];
  const layout = { _basePlotModules: [cartesian], _rehover: () => asked.push("hover") };
  const plot = /** @type {PlotElement} */ (/** @type {unknown} */ ({ _fullData: full, _fullLayout: layout }));
  return { plot, full, asked };
}

test("moving a line computes and draws it, and what plotly keeps of it is the new one", () => {
  const { plot, full, asked } = drawn();
  const next = [{ ...line(5, 6, 7), hovertemplate: ["exactly 0", "%{y}"] }];
  assert.ok(move(plot, next, layout()));
  assert.deepEqual(asked, ["calc", "plot", "hover"]);
  assert.deepEqual(plot.calcdata, [[{ calculated: 1, t: {}, trace: full[0], ht: "exactly 0" }, { ht: "%{y}" }]]);
  assert.deepEqual([full[0].y, full[0]._length, plot.data], [[5, 6, 7], 3, next]);
});

test("nothing is moved that plotly does not show, or does not have", () => {
  for (const [figure, next] of /** @type {const} */ ([
    [drawn({ visible: false }), [line(5)]],
    [drawn(), [line(5), line(6)]],
  ])) {
    assert.equal(move(figure.plot, [...next], layout()), false);
    assert.deepEqual(figure.asked, []);
  }
});
