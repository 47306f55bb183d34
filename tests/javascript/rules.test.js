// What a figure's rules do to its filled traces and axes.

import assert from "node:assert/strict";
import test from "node:test";
import { RULES } from "../../dashboard/static/rules.js";
import { context, layout, run } from "./figure.js";

/** @import { Card } from "../../dashboard/static/card.js" */
/** @import { View } from "../../dashboard/static/figures.d.ts" */
/** @import { Trace } from "../../dashboard/static/plotly.d.ts" */

const NO_CARD = /** @type {Card} */ (/** @type {unknown} */ (null)); // of no interest to the rules tested here

/**
 * @param {string} rule
 * @param {Partial<Trace>[]} traces
 * @param {{ options?: Record<string, boolean>, view?: Partial<View> }} given
 */
function ruled(rule, traces, { options = {}, view = {} } = {}) {
  const all = context([run([1, 2])], { options });
  Object.assign(all.view, view);
  const drawn = {
    card: NO_CARD,
    context: all,
    data: traces.map((trace) => ({ type: "scatter", ...trace })),
    layout: layout(),
    empty: false,
  };
  RULES[rule](drawn);
  return drawn;
}

test("the loss has a logarithmic axis while its option is on", () => {
  assert.equal(ruled("logAxis", [], { options: { log: true } }).layout.yaxis.type, "log");
  assert.equal(ruled("logAxis", [], { options: { log: false } }).layout.yaxis.type, "linear");
});

test("an exact 0 stands below everything else, and is called that; what is not finite is left out", () => {
  const { data, layout: drawn } = ruled("floorZeros", [{ y: [0, 0.5, 1] }, { y: [NaN, Infinity, 1] }]);
  assert.deepEqual(
    data.map(({ y }) => y),
    [
      [0.05, 0.5, 1],
      [null, null, 1],
    ],
  );
  assert.equal(drawn.annotations?.[0].text, "exactly 0");
  assert.equal(ruled("floorZeros", [{ y: [1] }]).layout.annotations, undefined);
});

test("maps share one range of colours, from the smallest to the largest value; an exact 0 is at its bottom", () => {
  const { data, layout: drawn } = ruled("sharedColours", [{ z: [[-3, null]] }, { z: [[2, -Infinity]] }]);
  assert.deepEqual([drawn.coloraxis?.cmin, drawn.coloraxis?.cmax], [-3, 2]);
  assert.deepEqual(
    data.map(({ z }) => z),
    [[[-3, null]], [[2, -3]]],
  );
  const { coloraxis } = ruled("sharedColours", [{ z: [[]] }]).layout;
  assert.deepEqual([coloraxis?.cmin, coloraxis?.cmax], [-1, 0]);
});

test("marks are lines with words, on the left of the line in the right half", () => {
  const marks = [
    { step: 2, text: "they part at step 2", late: false },
    { step: 90, text: "diverged", alert: true, late: true },
  ];
  const { shapes, annotations } = ruled("marks", [], { view: { marks } }).layout;
  assert.deepEqual(
    shapes?.map(({ x0, line }) => [x0, line.color]),
    [
      [2, "#555"],
      [90, "#f00"],
    ],
  );
  assert.deepEqual(
    annotations?.map(({ text, xanchor }) => [text, xanchor]),
    [
      ["they part at step 2", "left"],
      ["diverged", "right"],
    ],
  );
});

test("of two baselines the higher one has its name above its line, the other below", () => {
  const lines = [0.5, 0.25].map((loss) => ({ name: "always 1", meta: { baseline: 0 }, y: [loss, loss] }));
  const { annotations } = ruled("baselineLabels", [...lines, { y: [1] }]).layout;
  assert.deepEqual(
    annotations?.map(({ text, y, yanchor }) => [text, y, yanchor]),
    [
      ["always 1: 0.5", Math.log10(0.5), "bottom"],
      ["always 1: 0.25", Math.log10(0.25), "top"],
    ],
  );
});

test("the right axis is there only with a line on it", () => {
  const bare = ruled("metricAxis", [{ yaxis: "y2", y: [] }]);
  assert.deepEqual([bare.layout.yaxis2, bare.data[0].yaxis], [undefined, undefined]);
});

test("the left margin has room for the longest name", () => {
  assert.equal(ruled("namesLeft", [{ y: ["W", "b"] }]).layout.margin.l, 56);
  assert.ok(ruled("namesLeft", [{ y: ["a long name of a parameter"] }]).layout.margin.l > 150);
});
