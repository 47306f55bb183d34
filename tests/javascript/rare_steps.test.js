// The steps at which Play lingers: spikes of the gradient norm, the highest of those that are near, and where runs part.

import assert from "node:assert/strict";
import test from "node:test";
import { rareSteps } from "../../dashboard/static/rare_steps.js";
import { Series } from "../../dashboard/static/series.js";

/** @param {Record<number, number>} spikes norms by step; all others are about 1 */
function run(spikes, steps = 400) {
  const series = new Series();
  for (let step = 1; step <= steps; step++) {
    series.columns.step.push(step);
    series.columns.grad_norm.push(spikes[step] ?? 1 + (step % 3) / 10);
  }
  return { series };
}

test("the steps of spikes in any run, and where runs part, ascending", () => {
  const runs = [run({ 300: 50, 80: 20 }), run({ 150: 1e6 })];
  assert.deepEqual(rareSteps(runs, []), [80, 150, 300]);
  assert.deepEqual(rareSteps(runs, [20]), [20, 80, 150, 300]);
});

test("a run without spikes has no such step, one whose norm is high throughout neither", () => {
  assert.deepEqual(rareSteps([run({})], []), []);
  const high = Object.fromEntries(Array.from({ length: 400 }, (_, row) => [row + 1, 1e9]));
  assert.deepEqual(rareSteps([run(high)], []), []);
});

test("of spikes beside one another only the highest counts, and never more than eight in all", () => {
  assert.deepEqual(rareSteps([run({ 100: 20, 101: 90, 102: 30 })], []), [101]);
  const many = Object.fromEntries(Array.from({ length: 30 }, (_, row) => [10 + 12 * row, 20 + row]));
  assert.equal(rareSteps([run(many)], []).length, 8);
});

test("norms that are not finite are left out, before the first step there is none", () => {
  assert.deepEqual(rareSteps([run({ 9: Number.NaN, 200: 40 })], []), [200]);
  assert.deepEqual(rareSteps([{ series: new Series() }], []), []);
});
