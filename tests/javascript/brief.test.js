// What is said of a run in projector mode, from the most words to the fewest.

import assert from "node:assert/strict";
import test from "node:test";
import { sharedStart, wordings } from "../../dashboard/static/brief.js";

/** @import { Finding } from "../../dashboard/static/types.d.ts" */

/**
 * @param {string} title
 * @param {Finding["group"]} group
 * @returns {Finding}
 */
const finding = (title, group) => ({
  kind: title.toLowerCase(),
  title,
  group,
  sentence: `${title}: so and so.`,
  measured: "",
  remedy: null,
});

const [DEAD, DIVERGED] = [finding("Dead units", "cause"), finding("Diverged", "cause")];
const VANISHING = finding("Vanishing", "description");

test("sentences become titles; beside the main finding stands what the gradient does", () => {
  assert.deepEqual(wordings([DEAD, DIVERGED, VANISHING], ""), [
    "Dead units: so and so. Vanishing: so and so.",
    "Dead units: so and so.",
    "Dead units, vanishing",
    "Dead units",
  ]);
  assert.deepEqual(wordings([DEAD, DIVERGED], "").slice(2), ["Dead units, diverged", "Dead units"]);
  assert.deepEqual(wordings([VANISHING], "").slice(2), ["Vanishing", "Vanishing"]);
});

test("why a run ended is said as it is", () => {
  assert.deepEqual(wordings([DEAD], "Out of memory."), new Array(4).fill("Out of memory."));
  assert.deepEqual(wordings([], ""), ["", "", "", ""]);
});

test("what all names begin with is said once, and no name is left without a word", () => {
  assert.equal(sharedStart(["learning rate 0.1", "learning rate 0.01"]), "learning rate ");
  assert.equal(sharedStart(["seed 1", "seed 1 (2)"]), "seed ");
  assert.equal(sharedStart(["RNN", "GRU", "LSTM"]), "");
  assert.equal(sharedStart(["RNN", "RNN, seed 2"]), "");
  assert.equal(sharedStart(["a b", "a"]), "");
  assert.equal(sharedStart(["adding problem"]), "");
  assert.equal(sharedStart([]), "");
});
