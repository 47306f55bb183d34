// Presses of "Try it": one at a time, an answer to the last one alone, a refusal beside the change that was refused.

import assert from "node:assert/strict";
import test from "node:test";
import { Trying } from "../../dashboard/static/trying.js";

/** @param {number} learning_rate */
const remedy = (learning_rate) => ({
  sentence: "",
  changes: { optimizer: { learning_rate } },
  words: "",
  settings: "",
  problem: null,
});

function presses() {
  Object.assign(globalThis, { window: globalThis });
  /** @type {import("../../dashboard/static/trying.js").Asked[]} */
  const asked = [];
  let shown = 0;
  const trying = new Trying(
    (each) => asked.push(each),
    () => shown++,
  );
  return { trying, asked, shown: () => shown };
}

test("a second press is none while the first has no answer", () => {
  const { trying, asked } = presses();
  trying.press("a", remedy(0.1));
  trying.press("a", remedy(0.1));
  trying.press("b", remedy(0.2));
  assert.deepEqual(
    asked.map(({ run, changes }) => [run, changes]),
    [["a", { optimizer: { learning_rate: 0.1 } }]],
  );
  assert.deepEqual(trying.about("a", remedy(0.1)), { starting: true, problem: null });
  assert.deepEqual(trying.about("a", remedy(0.2)), { starting: false, problem: null });
  trying.stop();
});

test("a refusal stands beside its own change until the next press", () => {
  const { trying, asked } = presses();
  trying.press("a", remedy(0.1));
  trying.answered({ number: asked[0].number, problem: "No." });
  assert.equal(trying.about("a", remedy(0.1)).problem, "No.");
  assert.equal(trying.about("b", remedy(0.1)).problem, null);
  trying.press("b", remedy(0.1));
  assert.equal(trying.about("a", remedy(0.1)).problem, null);
  assert.ok(asked[1].number > asked[0].number);
  trying.stop();
});

test("an answer to another press, or one heard before, changes nothing", () => {
  const { trying, asked } = presses();
  trying.answered({ number: 5, problem: "Of a page before a reload." });
  trying.answered(null);
  trying.press("a", remedy(0.1));
  trying.answered({ number: asked[0].number - 1, problem: "Old." });
  assert.equal(trying.about("a", remedy(0.1)).starting, true);
  trying.answered({ number: asked[0].number, problem: null });
  assert.deepEqual(trying.about("a", remedy(0.1)), { starting: false, problem: null });
  trying.answered({ number: asked[0].number, problem: "Again." });
  assert.equal(trying.about("a", remedy(0.1)).problem, null);
});
