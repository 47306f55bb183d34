// Which layers there are to choose from.

import assert from "node:assert/strict";
import test from "node:test";
import { layerChoices } from "../../dashboard/static/time_travel.js";

const words = (/** @type {number[]} */ depths) => layerChoices(depths).map(({ text }) => text);

test("the choice that is shown at first stands last: the top layer, of runs of different depth that of each", () => {
  assert.deepEqual(words([2, 2]), ["1", "2"]);
  assert.deepEqual(words([3, 1]), ["1", "2", "3", "top of each"]);
});

test("runs of which nothing is known yet have no part in it", () => {
  assert.deepEqual(words([0, 2]), ["1", "2"]);
  assert.deepEqual(words([0]), []);
});
