// Sequences of unequal length: profiles over the steps before each one's own end, which say what they are means of.

import assert from "node:assert/strict";
import test from "node:test";
import { fill } from "../../dashboard/static/fills.js";
import { RULES } from "../../dashboard/static/rules.js";
import { sizeOf } from "../../dashboard/static/thinning.js";
import { context, layout, run } from "./figure.js";
import { packed, profiles, sent } from "./packed.js";

/** @import { Card } from "../../dashboard/static/card.js" */
/** @import { Meta } from "../../dashboard/static/figures.d.ts" */
/** @import { Trace } from "../../dashboard/static/plotly.d.ts" */

const NORMS = [NaN, 0.25, 0, 1];
const COUNTS = [0, 1, 2, 4];

/** @param {number[] | null} counts */
function ragged(counts) {
  const sent = profiles([1], () => NORMS);
  return run([1], { profiles: counts ? { ...sent, sequence_count: packed(counts) } : sent });
}

/**
 * @param {Meta} meta
 * @param {ReturnType<typeof context>} all
 * @param {Partial<Trace>} more
 */
function filled(meta, all, more = {}) {
  /** @type {Trace} */
  const trace = { type: "scatter", meta, ...more };
  fill(trace, all);
  return trace;
}

const HIDDEN = /** @type {Meta} */ ({ fill: "profile", run: 0, y: sent("hidden_grad_norm") });

test("a profile stands over the lag, and each norm says how many sequences have it", () => {
  const line = filled(HIDDEN, context([ragged(COUNTS)]));
  assert.deepEqual(line.x, [3, 2, 1, 0]);
  assert.deepEqual(line.y, NORMS);
  assert.deepEqual(line.hovertemplate, [
    "%{y:.2e}",
    "%{y:.2e} (of 1 sequence)",
    "exactly 0 (mean over 2 sequences)",
    "%{y:.2e} (mean over 4 sequences)",
  ]);
});

test("sequences of one length stay over t, whether they are counted or not", () => {
  for (const counts of [null, [0, 4, 4, 4]]) {
    const line = filled(HIDDEN, context([ragged(counts)]));
    assert.deepEqual(line.x, [1, 2, 3, 4]);
    assert.ok(Array.isArray(line.hovertemplate));
    assert.equal(line.hovertemplate[3], "%{y:.2e}");
  }
});

test("beside a run of unequal length the others are drawn over the lag as well", () => {
  const line = filled({ ...HIDDEN, run: 1 }, context([ragged(COUNTS), ragged(null)]));
  assert.deepEqual(line.x, [3, 2, 1, 0]);
});

test("the axis says what it counts, and the end stays on the right unless the reader chose the lag", () => {
  for (const lag of [false, true]) {
    const all = context([ragged(COUNTS)], { options: { lag } });
    const card = /** @type {Card} */ (/** @type {unknown} */ (null));
    const drawn = { card, context: all, data: [], layout: layout(), empty: false };
    RULES.lagAxis(drawn);
    assert.equal(drawn.layout.xaxis.title.text, "steps before the end of each sequence");
    assert.equal(drawn.layout.xaxis.autorange, lag ? undefined : "reversed");
  }
});

test("rows of a map are lags, the end on top, and empty where no sequence is that long", () => {
  const all = context([ragged(COUNTS)]);
  const map = filled({ fill: "profileMap", run: 0, z: sent("hidden_grad_norm") }, all, { type: "heatmap" });
  assert.deepEqual(map.y, [3, 2, 1, 0]);
  assert.ok(map.z?.[0].every((value) => value === null));
  const card = /** @type {Card} */ (/** @type {unknown} */ (null));
  const drawn = { card, context: all, data: [map], layout: layout(), empty: false };
  drawn.layout.yaxis.title.text = "timestep t";
  RULES.lagRows(drawn);
  assert.deepEqual(
    [drawn.layout.yaxis.title.text, drawn.layout.yaxis.autorange],
    ["steps before the end of each sequence", "reversed"],
  );
  assert.equal(map.hovertemplate, "step %{customdata}, %{y} before the end: 10<sup>%{z:.2f}</sup><extra></extra>");
});

test("a fitted line ends where the sequences do", () => {
  const line = filled({ ...HIDDEN, fit: true }, context([ragged(COUNTS)]));
  assert.equal(line.y?.length, 4);
  assert.ok(Number.isNaN(line.y?.[0]));
});

test("columns that no sequence has do not count for the size of a profile", () => {
  const values = new Float32Array([NaN, 0.5, 2, NaN, 3, 1]);
  assert.deepEqual(sizeOf(values, 3, new Float32Array([0, 1, 2, 0, 1, 2])), {
    norm: Math.sqrt(0.25 + 4 + 9 + 1),
    low: 0.25,
    high: 3,
  });
});
