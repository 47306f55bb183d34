// Gradient through time: areas against the value at t = T, their names, the ratio axis, the way that the gradient goes.

import assert from "node:assert/strict";
import test from "node:test";
import { Room } from "../../dashboard/static/room.js";
import { throughTime } from "../../dashboard/static/through_time.js";
import { context, layout, run } from "./figure.js";

/** @import { Card } from "../../dashboard/static/card.js" */
/** @import { Trace } from "../../dashboard/static/plotly.d.ts" */

/**
 * @param {number[]} ends values at t = T, one a run
 * @param {[low: number, high: number]} decades
 */
function drawn(ends, [low, high], lag = false, reverse = [false]) {
  const room = Object.assign(new Room(), { low, high, first: 1, last: 30, log: true });
  /** @type {Trace[]} */
  const data = ends.map((end, place) => ({
    type: "scatter",
    y: end ? [end, end] : [],
    line: { color: `colour ${place}` },
    meta: { fill: "profileEnd", run: place },
  }));
  data.push(
    { type: "scatter", meta: { fill: "zone", side: "above" } },
    { type: "scatter", meta: { fill: "zone", side: "below" } },
  );
  const card = /** @type {Card} */ (/** @type {unknown} */ ({ room, legend: { querySelector: () => null } }));
  const runs = reverse.map((each) => ({ ...run([1]), reverse: each }));
  const all = { card, context: context(runs, { options: { lag } }), data, layout: layout(), empty: false };
  all.layout.yaxis2 = { title: {}, tickfont: { size: 12 } };
  throughTime(all);
  const { yaxis2: ratio, annotations = [] } = all.layout;
  const [above, below] = data.filter(({ meta }) => meta?.fill === "zone").map(({ y }) => y);
  return { ratio, above, below, texts: annotations.map(({ text }) => text) };
}

test("above the value at t = T it explodes, below it vanishes, and both are named where there is room", () => {
  const { above, below, texts } = drawn([1], [-4, 4]);
  assert.deepEqual(above, [1, 1, 1e4, 1e4]);
  assert.deepEqual(
    below?.map((value) => Math.log10(Number(value))),
    [0, 0, -4, -4],
  );
  assert.ok(texts.includes("exploding") && texts.includes("vanishing"));
  const fades = drawn([1], [-7, 0.5]).texts;
  assert.ok(!fades.includes("exploding") && fades.includes("vanishing"));
});

test("the areas are those of all runs: above the highest and below the lowest value at t = T", () => {
  const { above, below } = drawn([1, 1e-3], [-6, 3]);
  assert.deepEqual([above?.[0], below?.[0]], [1, 1e-3]);
});

test("the ratio axis has whole powers of ten of the value at t = T; two values: it is the first run's, in its colour", () => {
  const { ratio } = drawn([0.5], [-4, 1]);
  assert.equal(ratio?.ticktext?.at(-1), "10<sup>1</sup>");
  assert.equal(ratio?.tickvals?.[ratio.ticktext?.indexOf("1") ?? -1], 0.5);
  assert.equal(ratio?.tickfont.color, undefined);
  assert.equal(drawn([0.5, 1e-3], [-4, 1]).ratio?.tickfont.color, "colour 0");
});

test("of a reverse direction it travels to t = T, and there are no areas against the value there", () => {
  const { above, ratio, texts } = drawn([1], [-4, 4], false, [true]);
  assert.equal(above, undefined);
  assert.equal(ratio, undefined);
  assert.equal(texts.length, 1);
  assert.match(texts[0], /^─* the gradient travels this way ─*▶$/);
  assert.match(drawn([1], [-4, 4], true, [true]).texts[0], /^◀─* the gradient travels this way ─*$/);
  assert.match(drawn([1, 1], [-4, 4], false, [false, true]).texts[0], /^◀─* the gradient travels both ways ─*▶$/);
});

test("the gradient travels to t = 1, which is on the right over the lag", () => {
  assert.match(drawn([1], [-4, 4]).texts[0], /^◀─* the gradient travels this way/);
  assert.match(drawn([1], [-4, 4], true).texts[0], /the gradient travels this way ─*▶$/);
});

test("a value of 0 at t = T has no ratio to it", () => {
  const { ratio, above, texts } = drawn([0], [-4, 4]);
  assert.deepEqual([ratio, above, texts], [undefined, undefined, []]);
});
