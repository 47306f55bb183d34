// Parts of a snapshot in a trace: arrays sliced down to what is drawn, counts as shares.

import assert from "node:assert/strict";
import test from "node:test";
import { slice } from "../../dashboard/static/arrays.js";
import { fill } from "../../dashboard/static/fills.js";
import { context, run } from "./figure.js";
import { packed, profiles } from "./packed.js";

/** @import { Meta } from "../../dashboard/static/figures.d.ts" */
/** @import { Trace } from "../../dashboard/static/plotly.d.ts" */
/** @import { Snapshot } from "../../dashboard/static/types.d.ts" */

/**
 * @param {Meta} meta
 * @param {Partial<Snapshot> | null} part
 * @param {Partial<Trace>} more
 */
function filled(meta, part, more = {}) {
  const runs = [run([1, 2, 3], { profiles: profiles([3], () => [1, 2, 4]) })];
  const snapshots = [part && { step: 3, next_step: null, ...part }];
  /** @type {Trace} */
  const trace = { type: "scatter", meta: { run: 0, ...meta }, ...more };
  fill(trace, context(runs, { snapshots }));
  return trace;
}

const cube = { shape: [2, 2, 3], data: packed([...Array(12).keys()]) };

test("an array is sliced by its first indices, packed or as lists", () => {
  assert.deepEqual(slice(cube, [1, 0], 1), { shape: [3], values: [6, 7, 8] });
  assert.deepEqual(slice(cube, [], 2), { shape: [2, 3], values: [0, 1, 2, 3, 4, 5] });
  const lists = [
    [1, 2],
    [3, 4],
  ];
  assert.deepEqual(slice(lists, [1], 1), { shape: [2], values: [3, 4] });
  assert.deepEqual(slice(lists, [2], 1).values, []);
});

test("a line of a part counts from 1 and has gaps where it is not finite", () => {
  const part = { weights: { shape: [3], data: packed([0.5, NaN, 0.25]) } };
  const line = filled({ fill: "part", path: "weights" }, part);
  assert.deepEqual(
    [line.x, line.y],
    [
      [1, 2, 3],
      [0.5, null, 0.25],
    ],
  );
});

test("a path leads into a part; what is not there is not drawn", () => {
  assert.deepEqual(
    filled({ fill: "part", path: "gates.mean", at: ["layer", 1] }, { gates: { mean: cube } }).y,
    [3, 4, 5],
  );
  for (const part of [{}, { gates: null }, { gates: {} }]) {
    assert.equal(filled({ fill: "part", path: "gates.mean", at: ["layer", 1] }, part).y, undefined);
  }
  assert.equal(filled({ fill: "part", path: "gates.mean" }, null).y, undefined);
});

test("a confusion matrix shows shares of each class", () => {
  /** @type {Snapshot["predictions"]} */
  const predictions = {
    kind: "classification",
    per_step: false,
    classes: ["a", "b"],
    counts: [
      [3, 1],
      [0, 0],
    ],
    total: 4,
    correct: 3,
    left_out: 0,
  };
  const map = filled({ fill: "confusion", path: "predictions" }, { predictions }, { type: "heatmap" });
  assert.deepEqual(map.z, [
    [0.75, 0.25],
    [null, null],
  ]);
  assert.deepEqual(map.text, [
    ["3", "1"],
    ["0", "0"],
  ]);
});

test("elements of a gradient are shares of their parameter, zeros and small ones first", () => {
  const parameters = {
    names: ["recurrent.weight_hh_l0", "readout.bias"],
    shapes: [
      [2, 2],
      [1, 1],
    ],
    weight_norm: [1, null],
    gradient_norm: [0.5, 0.25],
    first_decade: -1,
    histogram: [
      [1, 1],
      [0, 0],
    ],
    zeros: [1, 0],
    below: [0, 0],
    above: [1, 0],
  };
  const map = filled({ fill: "histogram", path: "parameters" }, { parameters }, { type: "heatmap" });
  assert.deepEqual(map.x, ["zero", "-1", "0"]);
  assert.deepEqual(map.y, ["W_hh 1", "readout b"]);
  assert.deepEqual(map.z, [
    [0.25, 0.25, 0.5],
    [null, null, null],
  ]);
});

test("the bound falls from the last timestep by its factor, at the step of its own snapshot", () => {
  const sigma_max = { values: [0.5], gamma: 1, bound_layer: 0 };
  const line = filled({ fill: "bound", path: "sigma_max" }, { sigma_max });
  assert.deepEqual(
    [line.x, line.y],
    [
      [1, 2, 3],
      [1, 2, 4],
    ],
  );
  assert.equal(
    filled({ fill: "bound", path: "sigma_max" }, { sigma_max: { ...sigma_max, bound_layer: 1 } }).y,
    undefined,
  );
});
