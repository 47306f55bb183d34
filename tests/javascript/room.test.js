// Axes change in steps, and never cut off a value.

import assert from "node:assert/strict";
import test from "node:test";
import { lastAhead, Room } from "../../dashboard/static/room.js";
import { run } from "./figure.js";

/** @param {(number | null)[]} y */
const curve = (y, visible = true) => ({ type: "scatter", x: y.map((_, place) => place + 1), y, visible });

/** @param {import("../../dashboard/static/plotly.d.ts").Trace} trace */
const ends = ({ x, y }) => ({ x, y });

/**
 * @param {number} step
 * @param {import("../../dashboard/static/types.d.ts").State["status"]} status
 */
const at = (step, status) => {
  const one = run([step]);
  return { ...one, state: { status, reason: null, steps: 1000, last_step: step } };
};

test("the axis of steps ends a good way ahead of the newest step, and stays while the steps fit", () => {
  assert.equal(lastAhead([at(100, "running")], NaN), 200);
  assert.equal(lastAhead([at(170, "running")], 200), 200);
  assert.equal(lastAhead([at(90, "running"), at(126, "running")], 125), 200);
  assert.equal(lastAhead([at(195, "running")], 200, 0.04), 500, "some figures grow before others");
  assert.equal(lastAhead([at(301, "running")], 200), 1000, "all steps");
});

test("of a run that does not know how many steps it will have, it grows as long as there are more", () => {
  const { state, ...watched } = at(4000, "running");
  assert.equal(lastAhead([{ ...watched, state: { ...state, steps: 0 } }], 2000), 5000);
});

test("it ends at the last step of the run at most, and exactly at the newest once the run is over", () => {
  assert.equal(lastAhead([at(900, "running")], NaN), 1000);
  assert.equal(lastAhead([at(901, "stopped")], 1000), 901);
});

test("values have a margin, and one that fits moves nothing", () => {
  const room = new Room();
  room.fit([curve([0, 100])], false, 1, 10);
  assert.deepEqual(ends(room.corners(false)), { x: [1, 10], y: [-8, 108] });
  room.fit([curve([-5, 105])], false, 1, 10);
  assert.deepEqual(ends(room.corners(false)).y, [-8, 108]);
  room.fit([curve([0, 109])], false, 1, 10);
  assert.ok(room.high > 109);
});

test("values that shrank get a smaller room", () => {
  const room = new Room();
  room.fit([curve([0, 100])], false, 1, 10);
  room.fit([curve([0, 30])], false, 1, 10);
  assert.ok(room.high < 33);
});

test("a log axis counts decades and leaves out what has no logarithm", () => {
  const room = new Room();
  room.fit([curve([0, -1, null, NaN, Infinity, 1e-3, 1e3])], true, 1, 10);
  assert.ok(Math.abs(room.decades() - 6 * 1.16) < 1e-9);
  const [low, high] = /** @type {number[]} */ (room.corners(false).y);
  assert.ok(low > 0 && low < 1e-3 && high > 1e3);
});

test("hidden curves take no room", () => {
  const room = new Room();
  room.fit([curve([0, 1]), curve([0, 1e6], false)], false, 1, 10);
  assert.ok(room.high < 2);
});

test("another scale of the axis is another room", () => {
  const room = new Room();
  room.fit([curve([1, 100])], false, 1, 10);
  assert.equal(room.decades(), 0);
  room.fit([curve([1, 100])], true, 1, 10);
  assert.ok(room.decades() > 2);
});

test("a curve of one value has room around it", () => {
  const room = new Room();
  room.fit([curve([5])], false, 1, 1);
  assert.ok(room.low < 5 && room.high > 5);
});

test("corners are marked where the curves are, because plotly leaves a margin for markers", () => {
  const room = new Room();
  room.fit([curve([5])], false, 1, 1);
  assert.equal(room.corners(true).mode, "lines+markers");
  assert.equal(room.corners(false).mode, "lines");
});

test("a log axis shows as many decades as it is to show at least, the curve in their middle", () => {
  const room = new Room();
  room.least = 2;
  room.fit([curve([0.9, 1.1])], true, 1, 10);
  assert.ok(room.decades() >= 2);
  assert.ok(Math.abs(room.low + room.high) < 0.01);
  room.fit([curve([1e-6, 1])], true, 1, 10);
  assert.ok(room.low < -6 && room.high < 1);
});
