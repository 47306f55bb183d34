// Answers that are numbers: in the data's own units, over time where there is one, else against their targets.

import assert from "node:assert/strict";
import test from "node:test";
import { answerAxes, fillAnswers, fillTruth } from "../../dashboard/static/answers.js";
import { context, run } from "./figure.js";
import { packed } from "./packed.js";

/** @import { Card } from "../../dashboard/static/card.js" */
/** @import { Trace } from "../../dashboard/static/plotly.d.ts" */
/** @import { Answers, Snapshot } from "../../dashboard/static/types.d.ts" */

const SALES = { name: "sales", mean: 10, std: 2, unit: "", axis: "day", places: ["2024-01-01", "2024-01-02"] };

/**
 * @param {Partial<Answers> | null} answers
 * @param {{ shape?: number[], per_step?: boolean }} given
 */
function drawn(answers, { shape = [2], per_step = false } = {}) {
  const sizes = { sequences: 2, output: 0, output_size: 1 };
  const array = (/** @type {number[]} */ values) => ({ shape, data: packed(values) });
  /** @type {Snapshot} */
  const snapshot = {
    step: 1,
    next_step: null,
    predictions: { kind: "regression", per_step, targets: array([-1, 2]), outputs: array([0, NaN]), ...sizes },
  };
  const one = run([1]);
  one.info = { baselines: [], metric: null, answers: answers && { ...SALES, ...answers } };
  const all = context([one], { snapshots: [snapshot] });
  /** @type {Trace[]} */
  const [answered, truth] = [
    { type: "scatter", mode: "lines" },
    { type: "scatter", mode: "markers" },
  ]; // prettier-ignore
  fillAnswers(answered, snapshot, all, one);
  fillTruth(truth, snapshot, all, one);
  const words = { textContent: "" };
  const card = /** @type {Card} */ (/** @type {unknown} */ ({ legend: { querySelector: () => words } }));
  answerAxes({ card, context: all, data: [], layout: all.layout, empty: false });
  const { xaxis, yaxis } = all.layout;
  return { answered, truth, axes: [xaxis.title.text, yaxis.title.text], dates: xaxis.type, said: words.textContent };
}

test("windows of a series stand at their dates, in the units of the target", () => {
  const { answered, truth, axes, dates, said } = drawn({});
  assert.deepEqual([answered.x, answered.y, answered.mode], [SALES.places, [10, null], "lines"]);
  assert.deepEqual([truth.x, truth.y], [SALES.places, [8, 14]]);
  assert.deepEqual([axes, dates, said], [["day", "sales"], "date", "dots: target"]);
  assert.equal(drawn({ places: [7, 8], unit: "euros" }).dates, undefined);
  assert.deepEqual(drawn({ places: [7, 8], unit: "euros" }).axes, ["day", "sales, euros"]);
});

test("sequences that have nothing to do with each other are points against their targets, with no line between", () => {
  const { answered, truth, axes, said } = drawn({ places: [], axis: "" });
  assert.deepEqual([answered.x, answered.y, answered.mode], [[8, 14], [10, null], "markers"]);
  assert.deepEqual([truth.x, truth.y, truth.mode], [[8, 14], [8, 14], "lines"]);
  assert.deepEqual([axes, said], [["target: sales", "answer"], "dashed: answer = target"]);
  assert.deepEqual(drawn(null).axes, ["target", "answer"]);
  assert.deepEqual(drawn(null).answered.x, [-1, 2]);
});

test("where every timestep has an answer, they are those of the first sequence over its timesteps", () => {
  const { answered, axes, said } = drawn(null, { shape: [1, 2], per_step: true });
  assert.deepEqual([answered.x, answered.mode], [[1, 2], "lines"]);
  assert.deepEqual([axes[0], said], ["timestep t of the first sequence", "dots: target"]);
});
