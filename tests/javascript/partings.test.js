// Where runs of one seed part from the first: marks for each step, and which runs are still the same.

import assert from "node:assert/strict";
import test from "node:test";
import { Partings } from "../../dashboard/static/partings.js";
import { Series } from "../../dashboard/static/series.js";

/**
 * A run whose loss is another one from a step on.
 * @param {string} label
 * @param {number} from
 * @param {number} [steps]
 */
function run(label, from, steps = 10) {
  const series = new Series();
  for (let step = 1; step <= steps; step++) {
    series.columns.step.push(step);
    series.columns.train_loss.push(step >= from ? from : 0);
    series.columns.grad_norm.push(1);
  }
  return { label, series };
}

const never = 99;

test("two runs part at a step, or by it where steps before it were left out", () => {
  const runs = [run("a", never), run("b", 7)];
  assert.deepEqual(new Partings().update(runs).marks(runs), [{ step: 7, text: "they part at step 7" }]);
  const gaps = run("b", 7);
  for (const column of Object.values(gaps.series.columns)) column.splice(4, 2);
  assert.equal(new Partings().update([runs[0], gaps]).marks(runs)[0].text, "they part by step 7");
  assert.deepEqual(new Partings().update([run("a", never), run("b", never)]).marks(runs), []);
});

test("of several runs each step has one mark with the names of those that part there", () => {
  const runs = [run("a", never), run("b", 3), run("c", 1), run("d", 3), run("e", never)];
  const partings = new Partings().update(runs);
  assert.deepEqual(
    partings.marks(runs).map(({ text }) => text),
    ["c parts at step 1", "b and d part at step 3"],
  );
  assert.deepEqual(partings.steps(), [1, 3]);
  assert.deepEqual(partings.alike(runs), [0, 4]);
  const numbered = runs.map((each, place) => ({ ...each, short: String(place + 1) }));
  assert.equal(partings.marks(numbered)[0].text, "run 3 parts at step 1");
});

test("runs that all part at one step are spoken of together", () => {
  const runs = [run("a", never), run("b", 1), run("c", 1)];
  assert.deepEqual(new Partings().update(runs).marks(runs), [{ step: 1, text: "they part at step 1" }]);
});

test("a run alone parts from nobody, one that has not begun is not the same yet", () => {
  assert.deepEqual(new Partings().update([run("a", never)]).alike([run("a", never)]), []);
  const runs = [run("a", never), run("b", never, 0)];
  assert.deepEqual(new Partings().update(runs).alike(runs), []);
});
