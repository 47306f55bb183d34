// Numbers in words, as a reader wants them.

import assert from "node:assert/strict";
import test from "node:test";
import { ACTIVE, count, duration, inWords, number, range } from "../../dashboard/static/dom.js";

test("numbers have three digits, small and large ones a power of ten", () => {
  assert.deepEqual([0.123456, 12.3456, 1e-9, 1234567, 0, -2, 44703, 5670000, 99990].map(number), [
    "0.123",
    "12.3",
    "1e-9",
    "1.23e6",
    "0",
    "-2",
    "44,700",
    "5.67e6",
    "1e5",
  ]);
  assert.deepEqual([NaN, Infinity, -Infinity].map(number), ["NaN", "infinite", "infinite"]);
});

test("durations are seconds, minutes or hours", () => {
  assert.deepEqual([4.4, 89, 90, 3600, 9000].map(duration), ["4 s", "89 s", "2 min", "60 min", "2.5 h"]);
});

test("lists are words, thousands have commas, ranges begin at 1", () => {
  assert.equal(inWords([1, 2, "3"]), "1, 2 and 3");
  assert.equal(count(1234567), "1,234,567");
  assert.deepEqual(range(3), [1, 2, 3]);
});

test("a run is over once it neither waits nor trains", () => {
  assert.deepEqual(
    ["queued", "running", "paused", "finished", "killed", undefined].map((status) => ACTIVE.has(status)),
    [true, true, true, false, false, false],
  );
});
