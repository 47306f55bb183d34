// Marks over the training steps: where runs part, where a run diverged, what was changed by hand.

import assert from "node:assert/strict";
import test from "node:test";
import { marksOf } from "../../dashboard/static/marks.js";
import { Series } from "../../dashboard/static/series.js";
import { answer } from "./packed.js";

/**
 * A run of 100 steps.
 * @param {Partial<import("../../dashboard/static/types.d.ts").Records>} given
 */
function run(given = {}, label = "LSTM") {
  const series = new Series();
  const steps = Array.from({ length: 100 }, (_, index) => index + 1);
  const state = answer(steps, given);
  series.append(state);
  return { label, series, state };
}

test("where runs part comes first", () => {
  const part = { step: 7, text: "they part at step 7" };
  assert.deepEqual(marksOf([run(), run({ status: "diverged", last_step: 9 })], [part])[0], part);
  assert.deepEqual(marksOf([run(), run()], []), []);
});

test("a diverged run has a mark that alerts", () => {
  assert.deepEqual(marksOf([run(), run({ status: "diverged", last_step: 100 }, "no clipping")], []), [
    { step: 100, text: "no clipping: diverged at step 100", alert: true },
  ]);
});

test("settings changed by hand, once for runs that were changed together", () => {
  const events = /** @type {[number, string, number][]} */ ([
    [20, "learning_rate", 0.012345],
    [80, "clip_threshold", 2],
  ]);
  assert.deepEqual(marksOf([run({ events }), run({ events })], []), [
    { step: 20, text: "learning rate 0.0123" },
    { step: 80, text: "threshold 2" },
  ]);
});

test("a slider on its way leaves one mark, of where it came to rest", () => {
  const events = /** @type {[number, string, number][]} */ ([
    [50, "learning_rate", 0.1],
    [51, "learning_rate", 0.2],
    [52, "learning_rate", 0.3],
  ]);
  assert.deepEqual(
    marksOf([run({ events })], []).map(({ step, text }) => [step, text]),
    [[52, "learning rate 0.3"]],
  );
});

test("a run that has not begun has no marks", () => {
  assert.deepEqual(marksOf([{ label: "RNN", series: new Series(), state: null }], []), []);
});
