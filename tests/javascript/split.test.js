// Units and weights: bars in a strip of their own below the gradient through time.

import assert from "node:assert/strict";
import test from "node:test";
import { fill } from "../../dashboard/static/fills.js";
import { RULES } from "../../dashboard/static/rules.js";
import { context, layout, run } from "./figure.js";
import { packed } from "./packed.js";

/** @import { Card } from "../../dashboard/static/card.js" */
/** @import { Trace } from "../../dashboard/static/plotly.d.ts" */
/** @import { Snapshot } from "../../dashboard/static/types.d.ts" */

const NO_CARD = /** @type {Card} */ (/** @type {unknown} */ (null));
const TERMS = { shape: [1, 4], data: packed([NaN, -Infinity, Math.log(0.1), Math.log(2)]) };
const SNAPSHOT = /** @type {Snapshot} */ ({ step: 1, next_step: null, saturation: { units: TERMS, weights: TERMS } });

/** @param {boolean} lag */
function bars(lag, snapshot = SNAPSHOT) {
  /** @type {Trace} */
  const trace = {
    type: "bar",
    yaxis: "y3",
    meta: { fill: "split", run: 0, path: "saturation.units", option: "split" },
  };
  const all = context([run([1])], { options: { split: true, lag }, snapshots: [snapshot] });
  fill(trace, all);
  return { trace, all };
}

test("a bar is the decimal logarithm of a factor, and says the factor", () => {
  const { trace } = bars(false);
  assert.deepEqual(trace.x, [1, 2, 3, 4]);
  const [none, nothing, tenth, twice] = trace.y ?? [];
  assert.equal(none, null);
  assert.ok(Math.abs(Number(tenth) + 1) < 1e-6 && Math.abs(Number(twice) - Math.log10(2)) < 1e-6);
  assert.ok(Number(nothing) < -1.9); // below all others
  assert.deepEqual(/** @type {string[]} */ (trace.hovertemplate).slice(1), ["exactly 0", "× 0.1", "× 2"]);
});

test("over the lag the bars turn round with the lines", () => {
  assert.deepEqual(bars(true).trace.x, [3, 2, 1, 0]);
});

test("the strip has its place while there are bars, and else there is none", () => {
  for (const shown of [true, false]) {
    const { trace, all } = bars(false);
    trace.visible = shown;
    const drawn = { card: NO_CARD, context: all, data: [trace], layout: layout(), empty: false };
    drawn.layout.yaxis3 = { title: {}, tickfont: { size: 12 } };
    RULES.splitStrip(drawn);
    assert.equal("yaxis3" in drawn.layout, shown);
    assert.equal(drawn.data.length, shown ? 1 : 0);
    assert.equal(drawn.layout.xaxis.anchor, shown ? "y3" : undefined);
    assert.equal(drawn.layout.annotations?.[0]?.text, shown ? "solid: units, pale: weights" : undefined);
  }
});

test("a term of 0 is no norm of 0: the axis of norms does not hear of it", () => {
  const { trace, all } = bars(false);
  trace.y = [0, 0];
  const line = /** @type {Trace} */ ({ type: "scatter", y: [0.1, 1] });
  const drawn = { card: NO_CARD, context: all, data: [trace, line], layout: layout(), empty: false };
  RULES.floorZeros(drawn);
  assert.deepEqual(trace.y, [0, 0]);
  assert.equal(drawn.layout.yaxis.ticktext, undefined);
});
