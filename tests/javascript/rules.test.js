// What a figure's rules do to its filled traces and axes.

import assert from "node:assert/strict";
import test from "node:test";
import { RULES } from "../../dashboard/static/rules.js";
import { context, layout, run } from "./figure.js";
import { packed } from "./packed.js";

/** @import { Card } from "../../dashboard/static/card.js" */
/** @import { View } from "../../dashboard/static/figures.d.ts" */
/** @import { Layout, Trace } from "../../dashboard/static/plotly.d.ts" */
/** @import { Info, Run } from "../../dashboard/static/types.d.ts" */

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

test("an exact 0 stands below everything else, and is called that on the axis; what is not finite is left out", () => {
  const { data, layout: drawn } = ruled("floorZeros", [{ y: [0, 0.5, 1] }, { y: [NaN, Infinity, 1] }]);
  assert.deepEqual(
    data.map(({ y }) => y),
    [
      [0.01, 0.5, 1],
      [null, null, 1],
    ],
  );
  assert.deepEqual([drawn.yaxis.tickvals?.[0], drawn.yaxis.ticktext?.[0]], [0.01, "exactly 0"]);
  assert.equal(ruled("floorZeros", [{ y: [1] }]).layout.yaxis.tickvals, undefined);
});

test("numbers on an axis with an exact 0 stand apart, the 0 among them", () => {
  const { yaxis } = ruled("floorZeros", [{ y: [0, 1e-30, 1] }]).layout;
  const powers = /** @type {number[]} */ (yaxis.tickvals).map(Math.log10);
  const apart = powers.slice(1).map((power, place) => power - powers[place]);
  assert.ok(apart.length && Math.min(...apart) >= 5);
});

test("the right axis is there only with a line on it", () => {
  const bare = ruled("metricAxis", [{ yaxis: "y2", y: [] }]);
  assert.deepEqual([bare.layout.yaxis2, bare.data[0].yaxis], [undefined, undefined]);
});

/**
 * The right axis of a figure with this metric.
 * @param {string} name
 * @param {number[]} y
 * @param {{ percent?: boolean, height?: number }} given
 */
function metric(name, y, { percent = false, height = 240 } = {}) {
  const info = /** @type {Info} */ (/** @type {unknown} */ ({ metric_words: { name, percent, complement: false } }));
  const drawn = {
    card: NO_CARD,
    context: context([{ ...run([1, 2]), info }], { height }),
    data: [{ type: "scatter", yaxis: "y2", y }],
    layout: { ...layout(), yaxis2: layout().xaxis },
    empty: false,
  };
  RULES.metricAxis(drawn);
  return /** @type {{ layout: Layout }} */ (drawn).layout.yaxis2;
}

test("errors stand on a logarithmic axis where the loss does, shares and what can be 0 do not", () => {
  assert.equal(metric("RMSE", [2000, 0.04])?.type, "log");
  assert.equal(metric("RMSE", [1, 0])?.type, undefined);
  assert.equal(metric("accuracy", [0.5, 0.9], { percent: true })?.type, undefined);
});

test("the name of the metric is no longer than its axis", () => {
  const name = "normalised error (RMSE / standard deviation)";
  assert.equal(metric(name, [1], { height: 600 })?.title.text, name);
  assert.equal(metric(name, [1])?.title.text, "normalised error");
});

test("the left margin has room for the longest name", () => {
  assert.equal(ruled("namesLeft", [{ y: ["W", "b"] }]).layout.margin.l, 56);
  assert.ok(ruled("namesLeft", [{ y: ["a long name of a parameter"] }]).layout.margin.l > 150);
});

test("the words on validation stand where there is one", () => {
  Object.assign(globalThis, { document: { createTextNode: String } });
  const val = { count: 1, step: packed([2]), val_loss: packed([1]), val_metric: "" };
  const words = (/** @type {Run[]} */ runs) => {
    const subtitle = { dataset: { text: "" }, replaceChildren: () => {} };
    const card = /** @type {Card} */ (
      /** @type {unknown} */ ({ subtitle, about: { subtitle: "of each training step" } })
    );
    RULES.validationWords({ card, context: context(runs), data: [], layout: layout(), empty: false });
    return subtitle.dataset.text;
  };
  assert.equal(words([run([1, 2])]), "of each training step");
  assert.equal(words([run([1, 2]), run([1, 2], { val })]), "thin: each training step, thick: validation");
});
