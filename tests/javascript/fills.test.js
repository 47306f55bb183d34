// Traces are filled with what their `meta` names, and with nothing else.

import assert from "node:assert/strict";
import test from "node:test";
import { fill } from "../../dashboard/static/fills.js";
import { context, run } from "./figure.js";
import { packed, profiles, sent } from "./packed.js";

/** @import { Meta } from "../../dashboard/static/figures.d.ts" */
/** @import { Trace } from "../../dashboard/static/plotly.d.ts" */

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

const measured = () => run([1, 2, 3], { grad_norm: [4, 2, 1], clip_coef: [0.25, 0.5, 1] });

test("a line over the training steps, as it is or multiplied by another column", () => {
  const all = context([measured()]);
  const line = filled({ fill: "column", run: 0, y: sent("grad_norm") }, all);
  assert.deepEqual(
    [line.x, line.y],
    [
      [1, 2, 3],
      [4, 2, 1],
    ],
  );
  assert.deepEqual(
    filled({ fill: "column", run: 0, y: sent("grad_norm"), times: sent("clip_coef") }, all).y,
    [1, 1, 1],
  );
});

test("evaluations stand at their own steps", () => {
  const val = { count: 2, step: packed([1, 3]), val_loss: packed([1, 0.5]), val_metric: "" };
  const line = filled({ fill: "evaluations", run: 0, y: sent("val_loss") }, context([run([1, 2, 3], { val })]));
  assert.deepEqual(
    [line.x, line.y],
    [
      [1, 3],
      [1, 0.5],
    ],
  );
});

test("a trace with an option is there while the option is on", () => {
  /** @type {Meta} */
  const meta = { fill: "column", run: 0, y: sent("grad_norm"), option: "after" };
  assert.equal(filled(meta, context([measured()], { options: { after: false } })).visible, false);
  const shown = filled(meta, context([measured()], { options: { after: true } }));
  assert.deepEqual([shown.visible, shown.y], [true, [4, 2, 1]]);
});

test("a trace of a run that is not there stays empty", () => {
  assert.equal(filled({ fill: "column", run: 1, y: sent("grad_norm") }, context([measured()])).y, undefined);
});

test("a baseline is drawn where all runs have the same one", () => {
  const info = (/** @type {number} */ loss) => ({ baselines: [{ name: "always 1", loss }], metric: null });
  const same = [1, 2].map(() => ({ ...measured(), info: info(0.5) }));
  const line = filled({ fill: "baseline", baseline: 0 }, context(same));
  assert.deepEqual([line.visible, line.name, line.x, line.y], [true, "always 1", [1, 3], [0.5, 0.5]]);
  const finite = { baselines: [{ name: "always 1", loss: 0.1512, in_theory: 1 / 6 }], metric: null };
  const told = filled({ fill: "baseline", baseline: 0 }, context([{ ...measured(), info: finite }]));
  assert.deepEqual([told.name, told.y], ["always 1 (in theory 0.167)", [0.1512, 0.1512]]);
  const others = [0.5, 0.6].map((loss) => ({ ...measured(), info: info(loss) }));
  assert.equal(filled({ fill: "baseline", baseline: 0 }, context(others)).visible, false);
});

test("a profile of the step at the cursor, over timesteps or over the lag", () => {
  const runs = [run([1, 2], { clip_coef: [1, 0.5], profiles: profiles([1, 2], (step) => [step, 0, 10 * step]) })];
  const meta = { fill: "profile", run: 0, y: sent("hidden_grad_norm") };
  const newest = filled(meta, context(runs));
  assert.deepEqual(
    [newest.x, newest.y],
    [
      [1, 2, 3],
      [2, 0, 20],
    ],
  );
  assert.deepEqual(newest.hovertemplate, ["%{y:.2e}", "exactly 0", "%{y:.2e}"]);
  assert.deepEqual(filled(meta, context(runs, { cursor: 1 })).y, [1, 0, 10]);
  assert.deepEqual(filled(meta, context(runs, { options: { lag: true } })).x, [2, 1, 0]);
  assert.deepEqual(filled({ ...meta, gaps: true }, context(runs)).y, [2, null, 20]);
  assert.deepEqual(filled({ ...meta, times: sent("clip_coef") }, context(runs)).y, [1, 0, 10]);
});

test("the straight line fitted to a profile that falls by a factor is that profile", () => {
  const norms = [1, 10, 100, 1000];
  const runs = [run([1], { profiles: profiles([1], () => norms) })];
  const line = filled({ fill: "profile", run: 0, y: sent("hidden_grad_norm"), fit: true }, context(runs));
  for (const [t, value] of (line.y ?? []).entries()) assert.ok(Math.abs(Number(value) / norms[t] - 1) < 1e-5);
});

test("a map is the logarithm of every profile, an exact 0 below all others, nothing where it is not finite", () => {
  const runs = [run([1, 2], { profiles: profiles([1, 2], (step) => [step === 1 ? 0 : NaN, 100]) })];
  const map = filled({ fill: "profileMap", run: 0, z: sent("hidden_grad_norm") }, context(runs), { type: "heatmap" });
  assert.deepEqual(map.z, [
    [-Infinity, null],
    [2, 2],
  ]);
  assert.deepEqual([map.x0, map.dx, map.y], [1, 1, [1, 2]]);
});

test("an option chooses another profile for a map, where it was measured", () => {
  const meta = {
    fill: "profileMap",
    run: 0,
    z: sent("hidden_grad_norm"),
    instead: { cell: sent("cell_grad_norm") },
  };
  const both = { ...profiles([1], () => [10]), cell_grad_norm: packed([1000]) };
  const options = { cell: true };
  assert.deepEqual(filled(meta, context([run([1], { profiles: both })], { options })).z, [[3]]);
  assert.deepEqual(filled(meta, context([run([1], { profiles: profiles([1], () => [10]) })], { options })).z, [[1]]);
});

test("a threshold is what it was changed to, from that step on", () => {
  const plain = filled({ fill: "threshold", run: 0, value: 1 }, context([measured()]));
  assert.deepEqual(
    [plain.x, plain.y],
    [
      [1, 3],
      [1, 1],
    ],
  );
  const events = /** @type {[number, string, number][]} */ ([
    [2, "learning_rate", 0.1],
    [2, "clip_threshold", 5],
  ]);
  const changed = filled({ fill: "threshold", run: 0, value: 1 }, context([run([1, 2, 3], { events })]));
  assert.deepEqual(
    [changed.x, changed.y],
    [
      [1, 2, 3],
      [1, 5, 5],
    ],
  );
});

test("the line of ratio 1 is at the profile's value at t = T; there is none where that is 0", () => {
  /** @type {Meta} */
  const meta = { fill: "profileEnd", run: 0, y: sent("hidden_grad_norm") };
  const line = (/** @type {number[]} */ norms) =>
    filled(meta, context([run([1], { profiles: profiles([1], () => norms) })]));
  assert.deepEqual(
    [line([4, 2, 1]).x, line([4, 2, 0.5]).y],
    [
      [1, 3],
      [0.5, 0.5],
    ],
  );
  assert.deepEqual(line([1, 0]).y, []);
});

test("of a share of wrong answers the share of right ones is drawn, of other metrics their value", () => {
  const val = { count: 2, step: packed([1, 3]), val_loss: packed([1, 0.5]), val_metric: packed([0.5, 0.25]) };
  const line = (/** @type {boolean} */ complement) => {
    const one = run([1, 2, 3], { val });
    one.info = { baselines: [], metric: "any", metric_words: { name: "any", percent: complement, complement } };
    return filled({ fill: "metric", run: 0 }, context([one])).y;
  };
  assert.deepEqual(line(true), [0.5, 0.75]);
  assert.deepEqual(line(false), [0.5, 0.25]);
});

test("each run shows its own top layer, until the reader chooses one; then one that a run does not have stays empty", () => {
  const deep = { ...profiles([1], () => [1, 2, 3, 4, 5, 6]), layers: 3, timesteps: 2 };
  const runs = [run([1], { profiles: deep }), run([1], { profiles: profiles([1], () => [7, 8]) })];
  const shown = (/** @type {number | null} */ layer) => {
    const all = context(runs);
    all.view.layer = layer;
    const lines = [0, 1].map((place) => filled({ fill: "profile", run: place, y: sent("hidden_grad_norm") }, all).y);
    const maps = [0, 1].map(
      (place) =>
        filled({ fill: "profileMap", run: place, z: sent("hidden_grad_norm") }, all, { type: "heatmap" }).z?.flat()
          .length,
    );
    return { lines, maps };
  };
  assert.deepEqual(shown(null).lines, [
    [5, 6],
    [7, 8],
  ]);
  assert.deepEqual(shown(2).lines, [[5, 6], []]);
  assert.deepEqual(shown(0).lines, [
    [1, 2],
    [7, 8],
  ]);
  assert.deepEqual(shown(null).maps, [2, 2]);
});
