// The sliders show what is in force, and what the reader asks for until the run answers.

import assert from "node:assert/strict";
import test from "node:test";
import { Series } from "../../dashboard/static/series.js";
import { Asked, valuesOf } from "../../dashboard/static/slider.js";
import { answer } from "./packed.js";

/** @import { Change } from "../../dashboard/static/types.d.ts" */

/**
 * @param {number | null} threshold
 * @param {Change[]} events
 */
function run(threshold, events = []) {
  const series = new Series();
  series.append({ ...answer([1, 2]), events });
  return { learning_rate: 0.1, threshold, series };
}

test("without a change the value that a run was started with is in force, after one the newest", () => {
  assert.deepEqual(valuesOf([run(1)], "learning_rate"), { started: 0.1, inForce: 0.1 });
  /** @type {Change[]} */
  const events = [
    [5, "learning_rate", 0.2],
    [6, "clip_threshold", 3],
    [9, "learning_rate", 0.05],
  ];
  assert.deepEqual(valuesOf([run(1, events)], "learning_rate"), { started: 0.1, inForce: 0.05 });
  assert.deepEqual(valuesOf([run(1, events)], "clip_threshold"), { started: 1, inForce: 3 });
});

test("the threshold is that of the run that has one, and there is none where no run clips by one", () => {
  assert.deepEqual(valuesOf([run(null), run(2)], "clip_threshold"), { started: 2, inForce: 2 });
  assert.equal(valuesOf([run(null)], "clip_threshold"), null);
});

test("what the reader asks for stays until the run has it", () => {
  const asked = new Asked();
  assert.equal(asked.shown(0.1), 0.1);
  asked.ask(0.4);
  assert.equal(asked.shown(0.1), 0.4, "not in force yet");
  assert.equal(asked.shown(0.4), 0.4);
  assert.equal(asked.shown(0.2), 0.2, "changed from another page");
});

test("what is refused is not shown", () => {
  const asked = new Asked();
  asked.shown(0.1);
  asked.ask(0.4);
  asked.refuse();
  assert.equal(asked.shown(0.1), 0.1);
});
