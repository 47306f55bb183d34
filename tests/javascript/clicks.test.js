// A single click chooses a step, a double click does not.

import assert from "node:assert/strict";
import test from "node:test";
import { SingleClicks } from "../../dashboard/static/clicks.js";

/**
 * @param {import("node:test").TestContext} t
 * @param {number[]} times of the clicks, in milliseconds
 */
function chosen(t, times) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  /** @type {number[]} */
  const steps = [];
  const clicks = new SingleClicks((step) => steps.push(step));
  let now = 0;
  for (const time of times) {
    t.mock.timers.tick(time - now);
    now = time;
    clicks.click(time, now);
  }
  t.mock.timers.tick(1000);
  return steps;
}

test("a click chooses its step, once it is sure that no second one follows", (t) => {
  assert.deepEqual(chosen(t, [1000, 2000]), [1000, 2000]);
});

test("a double click chooses nothing", (t) => {
  assert.deepEqual(chosen(t, [1000, 1120]), []);
});

test("a double click of which a busy page hears late takes its choice back", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  /** @type {number[]} */
  const steps = [];
  const clicks = new SingleClicks((step) => steps.push(step));
  clicks.click(7, 1000);
  t.mock.timers.tick(900);
  clicks.click(8, 1150); // pressed then, heard of at 1,900
  t.mock.timers.tick(900);
  assert.deepEqual(steps, [7, 7]);
});

test("a click after a double click counts again", (t) => {
  assert.deepEqual(chosen(t, [1000, 1120, 2000]), [2000]);
});
