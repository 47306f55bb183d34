import assert from "node:assert/strict";
import { test } from "node:test";
import { at, read, valueWords, varied } from "../../dashboard/static/class_setting.js";

/** @import { Setting } from "../../dashboard/static/class.d.ts" */

/** @type {Setting} */
const THRESHOLD = {
  path: "clip.threshold",
  name: "threshold",
  kind: "number",
  whole: false,
  allowed: "a number above 0",
  choices: [],
  optional: false,
};
const UNITS = { ...THRESHOLD, path: "model.hidden_size", whole: true };
/** @type {Setting} */
const CELL = {
  ...THRESHOLD,
  path: "model.cell",
  kind: "choice",
  choices: [
    ["rnn", "RNN"],
    ["lstm", "LSTM"],
  ],
};

test("a number is read with a comma or a point; what is none is not a value", () => {
  assert.equal(read(THRESHOLD, " 0,5 "), 0.5);
  assert.equal(read(THRESHOLD, "1e-3"), 0.001);
  for (const text of ["", "abc", "1;2", "Infinity", "NaN", "<b>1</b>"])
    assert.equal(read(THRESHOLD, text), undefined, text);
  assert.equal(read(UNITS, "32"), 32);
  assert.equal(read(UNITS, "32.5"), undefined);
  assert.equal(read({ ...UNITS, optional: true }, ""), null);
});

test("a choice is one of those that there are", () => {
  assert.equal(read(CELL, "lstm"), "lstm");
  assert.equal(read(CELL, "transformer"), undefined);
});

test("a value stands as its control calls it", () => {
  assert.equal(valueWords(CELL, "lstm"), "LSTM");
  assert.equal(valueWords(THRESHOLD, 0.5), "0.5");
  assert.equal(valueWords(UNITS, null), "default");
  assert.equal(valueWords({ ...CELL, kind: "switch", choices: [] }, true), "on");
});

test("a config differs in the varied setting alone, and the one that was handed out stays as it is", () => {
  const config = { clip: { method: "norm", threshold: 1 }, seed: 0 };
  assert.deepEqual(varied(config, "clip.threshold", 5), { clip: { method: "norm", threshold: 5 }, seed: 0 });
  assert.deepEqual(varied(config, "seed", 7), { clip: { method: "norm", threshold: 1 }, seed: 7 });
  assert.equal(config.clip.threshold, 1);
  assert.equal(at(config, "clip.threshold"), 1);
  assert.equal(at(config, "clip.none.deeper"), undefined);
});
