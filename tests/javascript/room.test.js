// Axes change in steps, and never cut off a value.

import assert from "node:assert/strict";
import test from "node:test";
import { Room } from "../../dashboard/static/room.js";

/** @param {(number | null)[]} y */
const curve = (y, visible = true) => ({ type: "scatter", x: y.map((_, place) => place + 1), y, visible });

/** @param {import("../../dashboard/static/plotly.d.ts").Trace} trace */
const ends = ({ x, y }) => ({ x, y });

test("the x axis ends a good way ahead of the newest step, and stays while the steps fit", () => {
  const room = new Room();
  room.fit([curve([1, 2])], false, 1, 100, 1000);
  assert.equal(room.last, 125);
  room.fit([curve([1, 2])], false, 1, 120, 1000);
  assert.equal(room.last, 125);
  room.fit([curve([1, 2])], false, 1, 126, 1000);
  assert.equal(room.last, 200);
});

test("the x axis ends at the last step of the run at most, and exactly at the newest once the run is over", () => {
  const room = new Room();
  room.fit([curve([1, 2])], false, 1, 900, 1000);
  assert.equal(room.last, 1000);
  room.fit([curve([1, 2])], false, 1, 901, null);
  assert.equal(room.last, 901);
});

test("values have a margin, and one that fits moves nothing", () => {
  const room = new Room();
  room.fit([curve([0, 100])], false, 1, 10, null);
  assert.deepEqual(ends(room.corners(false)), { x: [1, 10], y: [-8, 108] });
  room.fit([curve([-5, 105])], false, 1, 10, null);
  assert.deepEqual(ends(room.corners(false)).y, [-8, 108]);
  room.fit([curve([0, 109])], false, 1, 10, null);
  assert.ok(room.high > 109);
});

test("values that shrank get a smaller room", () => {
  const room = new Room();
  room.fit([curve([0, 100])], false, 1, 10, null);
  room.fit([curve([0, 30])], false, 1, 10, null);
  assert.ok(room.high < 33);
});

test("a log axis counts decades and leaves out what has no logarithm", () => {
  const room = new Room();
  room.fit([curve([0, -1, null, NaN, Infinity, 1e-3, 1e3])], true, 1, 10, null);
  assert.ok(Math.abs(room.decades() - 6 * 1.16) < 1e-9);
  const [low, high] = /** @type {number[]} */ (room.corners(false).y);
  assert.ok(low > 0 && low < 1e-3 && high > 1e3);
});

test("hidden curves take no room", () => {
  const room = new Room();
  room.fit([curve([0, 1]), curve([0, 1e6], false)], false, 1, 10, null);
  assert.ok(room.high < 2);
});

test("another scale of the axis is another room", () => {
  const room = new Room();
  room.fit([curve([1, 100])], false, 1, 10, null);
  assert.equal(room.decades(), 0);
  room.fit([curve([1, 100])], true, 1, 10, null);
  assert.ok(room.decades() > 2);
});

test("a curve of one value has room around it", () => {
  const room = new Room();
  room.fit([curve([5])], false, 1, 1, null);
  assert.ok(room.low < 5 && room.high > 5);
});

test("corners are marked where the curves are, because plotly leaves a margin for markers", () => {
  const room = new Room();
  room.fit([curve([5])], false, 1, 1, null);
  assert.equal(room.corners(true).mode, "lines+markers");
  assert.equal(room.corners(false).mode, "lines");
});

test("a log axis shows as many decades as it is to show at least, the curve in their middle", () => {
  const room = new Room();
  room.least = 2;
  room.fit([curve([0.9, 1.1])], true, 1, 10, null);
  assert.ok(room.decades() >= 2);
  assert.ok(Math.abs(room.low + room.high) < 0.01);
  room.fit([curve([1e-6, 1])], true, 1, 10, null);
  assert.ok(room.low < -6 && room.high < 1);
});
