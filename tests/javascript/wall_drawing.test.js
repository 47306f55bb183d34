import assert from "node:assert/strict";
import { test } from "node:test";
import { ending, told } from "../../dashboard/static/class_wall.js";
import { columnsFor, isCut, lineOf, pathOf, sorted, spanOf } from "../../dashboard/static/wall_drawing.js";

/** @import { WallRun } from "../../dashboard/static/class.d.ts" */

/**
 * @param {string} label
 * @param {Partial<WallRun>} more
 * @returns {WallRun}
 */
const run = (label, more = {}) => ({
  watch: `w${label}`,
  label,
  status: "finished",
  step: 100,
  steps: 100,
  loss: 1,
  varied: 1,
  curve: { step: [1, 50, 100], loss: [10, 1, 0.1] },
  profile: {
    t: [1, 2, 3],
    norm: [
      [1, 1, 1],
      [1e-6, 1e-3, 1],
    ],
  },
  ...more,
});

test("the lowest final loss comes first, then what trains, then what has diverged", () => {
  const runs = [
    run("Student 10", { loss: 0.5 }),
    run("gone", { loss: 0.1, status: "diverged" }),
    run("new", { loss: null, status: "queued" }),
    run("Student 9", { loss: 0.5 }),
    run("best", { loss: 0.01 }),
  ];
  assert.deepEqual(
    sorted(runs).map(({ label }) => label),
    ["best", "Student 9", "Student 10", "new", "gone"],
  );
});

test("all pictures share one logarithmic axis of finite positive numbers, of 12 decades at most", () => {
  assert.deepEqual(spanOf([run("a")], "losses"), [-1, 1]);
  assert.deepEqual(spanOf([run("a")], "gradients"), [-6, 0]);
  const wild = { step: [1, 2, 3, 4], loss: [1e20, null, 0, 1e-20] };
  assert.deepEqual(spanOf([run("a", { curve: wild })], "losses"), [8, 20]);
  assert.deepEqual(spanOf([], "losses"), [0, 1]);
  const [low, high] = spanOf([run("a", { curve: { step: [1], loss: [1] } })], "losses");
  assert.ok(low < 0 && high > 0);
});

test("a line goes through the numbers, has gaps where there is none, and stays inside", () => {
  assert.equal(pathOf([1, 50.5, 100], [10, 1, 0.1], 100, [-1, 1], 100, 60), "M0.0 0.0L50.0 30.0L100.0 60.0");
  assert.equal(pathOf([1, 2, 3], [10, null, 0.1], 3, [-1, 1], 100, 60), "M0.0 0.0M100.0 60.0");
  assert.equal(pathOf([1, 2], [0, 1e9], 2, [-1, 1], 100, 60), "M0.0 60.0L100.0 0.0");
  assert.equal(pathOf([], [], 1, [0, 1], 100, 60), "");
});

test("of the gradient the top layer is drawn; a run without profiles has no line", () => {
  assert.deepEqual(lineOf(run("a"), "gradients"), { xs: [1, 2, 3], ys: [1e-6, 1e-3, 1], last: 3 });
  assert.deepEqual(lineOf(run("a", { profile: null }), "gradients").ys, []);
});

test("any number of tiles fits, each as large as it can be", () => {
  assert.equal(columnsFor(1, 1200, 600), 1);
  assert.equal(columnsFor(4, 1200, 600), 2);
  assert.equal(columnsFor(30, 1200, 600), 6);
  for (const count of [1, 2, 3, 7, 30, 200, 300]) {
    const columns = columnsFor(count, 1200, 600);
    assert.ok(columns >= 1 && columns <= count);
  }
});

test("it says what there is, and how each run stands", () => {
  assert.match(
    told([run("a"), run("b", { status: "running" })], "threshold", "losses"),
    /^2 runs, 1 under way, each with its threshold/,
  );
  assert.equal(ending(run("a", { loss: 0.0123 })), "loss 0.0123");
  assert.equal(ending(run("a", { status: "queued" })), "waiting");
  assert.equal(ending(run("a", { status: "running", step: 5 })), "step 5 of 100");
  assert.equal(ending(run("a", { status: "diverged" })), "diverged");
});

test("a few numbers far above the others run along the top; many of them, or not so far, have their room", () => {
  /** @param {number[]} loss */
  const all = (...loss) => [run("a", { curve: { step: loss.map((_, index) => index + 1), loss } })];
  const usual = Array.from({ length: 58 }, (_, index) => 10 ** (-index / 29)); // from 1 down to 0.01
  const far = all(1e18, 1e9, ...usual);
  const span = spanOf(far, "losses");
  assert.ok(span[0] < -1.9 && span[1] > -0.1 && span[1] < 0.5, String(span));
  assert.equal(isCut(far, "losses", span), true);
  for (const runs of [all(30, ...usual), all(...Array(20).fill(1e9), ...usual)]) {
    const whole = spanOf(runs, "losses");
    assert.equal(whole[1], Math.log10(Math.max(...runs[0].curve.loss.map(Number))));
    assert.equal(isCut(runs, "losses", whole), false);
  }
});
