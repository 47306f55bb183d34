// Readings of instruments: rows and columns of a map, tints of letters, and the words for a step.

import assert from "node:assert/strict";
import { test } from "node:test";
import { allowed } from "../../dashboard/static/instruments.js";
import {
  enlarged,
  further,
  placeOn,
  slicesOf,
  tintsOf,
  when,
  whenInFull,
  withSubscripts,
} from "../../dashboard/static/readings.js";

test("a place of a map has a row over t and a column over tau", () => {
  const map = {
    type: "heatmap",
    x: [1, 2, 3],
    y: [10, 20],
    z: [
      [1, null, null],
      [4, 5, null],
    ],
  };
  const { traces, words } = slicesOf(map, 1, 0, "loss");
  assert.deepEqual(
    [traces[0].x, traces[0].y],
    [
      [1, 2, 3],
      [4, 5, null],
    ],
  );
  assert.deepEqual(
    [traces[1].x, traces[1].y],
    [
      [10, 20],
      [1, 4],
    ],
  );
  assert.equal(
    words,
    "Solid: what the loss at τ = 20 teaches each state. Dotted: what each loss teaches the state at t = 1.",
  );
  assert.equal(
    slicesOf(map, 1, 0, "output").words,
    "Solid: what the output at τ = 20 teaches each state. Dotted: what each output teaches the state at t = 1.",
  );
});

test("a letter is tinted by how near it comes to the strongest one, over four decades", () => {
  assert.deepEqual(tintsOf([-3, -1, -5, -9, null]), [0.5, 1, 0, 0, 0]);
});

test("a reading after the last step is called so", () => {
  assert.equal(when(1001, 1000), "after step 1,000");
  assert.equal(when(1000, 1000), "at step 1,000");
  assert.equal(whenInFull(1001, 1000), "After step 1,000: the network as step 1,000 left it, on the next batch.");
  assert.equal(whenInFull(1000, 1000), "At step 1,000: the network before the update of this step, on its batch.");
});

test("a ball rolls along its way from the beginning to the end", () => {
  const way = { type: "scatter", x: [0, 1, 2], y: [5, 6, 7] };
  assert.deepEqual(placeOn(way, 0), [0, 5, undefined]);
  assert.deepEqual(placeOn(way, 0.5), [1, 6, undefined]);
  assert.deepEqual(placeOn({ ...way, z: [1, 2, 9] }, 1), [2, 7, 9]);
});

test("what stands after an underscore in a formula is a subscript", () => {
  assert.equal(withSubscripts("Q_t R_t = J_t Q_{t-1}"), "Q<sub>t</sub> R<sub>t</sub> = J<sub>t</sub> Q<sub>t-1</sub>");
  assert.equal(
    withSubscripts("|∂l_τ/∂h_t|, W_hh h_{t-1}ᵀ"),
    "|∂l<sub>τ</sub>/∂h<sub>t</sub>|, W<sub>hh</sub> h<sub>t-1</sub>ᵀ",
  );
  assert.equal(withSubscripts("‖g‖, η / (√v̂ + ε)"), "‖g‖, η / (√v̂ + ε)");
});

test("a figure that fills the screen has larger type, and nothing else of it changes", () => {
  const layout = {
    font: { size: 12, color: "#000" },
    margin: { l: 56, t: 22 },
    xaxis: { title: { text: "t", font: { size: 12 } }, range: [1, null] },
    annotations: [{ text: "size", x: 3, font: { size: 10 } }],
  };
  assert.deepEqual(enlarged(layout, 2), {
    font: { size: 24, color: "#000" },
    margin: { l: 112, t: 44 },
    xaxis: { title: { text: "t", font: { size: 24 } }, range: [1, null] },
    annotations: [{ text: "size", x: 3, font: { size: 20 } }],
  });
  assert.equal(layout.font.size, 12);
});

test("a surface is seen from further away in a narrow place", () => {
  const layout = /** @type {any} */ ({ scene: { camera: { eye: { x: 1, y: 2, z: 3 }, center: { z: 4 } }, other: 1 } });
  assert.equal(further(layout, 500), layout);
  const seen = { camera: { eye: { x: 2, y: 4, z: 6 }, center: { z: 4 } }, other: 1 };
  assert.deepEqual(further(layout, 240).scene, seen);
  const flat = /** @type {any} */ ({ margin: {} });
  assert.equal(further(flat, 240), flat);
});

test("what is typed becomes a number that can be asked for", () => {
  assert.deepEqual(
    ["", "3", "99", "0", "-4", "2.6", "x"].map((typed) => allowed(typed, "32")),
    ["", "3", "32", "1", "1", "3", ""],
  );
  assert.equal(allowed("99", ""), "99");
});
