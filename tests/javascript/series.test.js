// The columns of a run: appended, bounded, thinned for drawing, looked up by step.

import assert from "node:assert/strict";
import test from "node:test";
import { firstDifference, lineOf, Series } from "../../dashboard/static/series.js";
import { answer, packed, profiles, sent } from "./packed.js";

/**
 * @param {number} first
 * @param {number} last
 */
const steps = (first, last) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

/** @param {Parameters<typeof answer>} given */
function series(...given) {
  const made = new Series();
  made.append(answer(...given));
  return made;
}

/** @param {Series} one */
const line = (one) => lineOf(one.columns.step, one.columns.train_loss);

test("answers add up, column by column", () => {
  const one = series([1, 2], { train_loss: [4, 3], grad_norm: [10, 20], clip_coef: [0.5, 1] });
  assert.equal(one.append(answer([3], { train_loss: [2], grad_norm: [8], clip_coef: [0.25] })), true);
  assert.deepEqual(one.columns.step, [1, 2, 3]);
  assert.deepEqual(one.columns.train_loss, [4, 3, 2]);
  assert.deepEqual(one.column(sent("clip_coef")), [0.5, 1, 0.25]);
  assert.deepEqual(one.column(sent("never_sent")), []);
  assert.equal(one.last, 3);
  assert.equal(one.since, 3);
  assert.equal(one.complete, true);
});

test("an answer to many may begin with what is known: each step, evaluation and profile comes once", () => {
  const val = (/** @type {number[]} */ ...at) => ({
    count: at.length,
    step: packed(at),
    val_loss: packed(at),
    val_metric: packed(at),
  });
  const one = series([1, 2, 3, 4], { train_loss: [4, 3, 2, 1], val: val(2, 4), profiles: profiles([2, 4], () => [1]) });
  const again = { since: 2, train_loss: [2, 1, 0], val: val(4, 5), profiles: profiles([4, 5], () => [1]) };
  assert.equal(one.append(answer([3, 4, 5], again)), true);
  assert.deepEqual(one.columns.step, [1, 2, 3, 4, 5]);
  assert.deepEqual(one.columns.train_loss, [4, 3, 2, 1, 0]);
  assert.deepEqual(one.evaluations.step, [2, 4, 5]);
  assert.deepEqual(
    one.profiles.map(({ step }) => step),
    [2, 4, 5],
  );
  assert.equal(one.append(answer([3, 4, 5], again)), false);
  assert.equal(one.append(answer([3, 4], { since: 2 })), false);
  assert.equal(one.since, 5);
});

test("a change for the step to come is news once, however often it is sent, and can be changed again", () => {
  const one = series([1, 2]);
  const sent = (/** @type {number} */ value) => one.append(answer([], { events: [[3, "learning_rate", value]] }));
  assert.deepEqual([sent(0.1), sent(0.1), sent(0.2), sent(0.2)], [true, false, true, false]);
  assert.deepEqual(one.events, [[3, "learning_rate", 0.2]]);
});

test("an answer without anything new says so", () => {
  const one = series([1, 2]);
  assert.equal(one.append(answer([], { last_step: 2 })), false);
  assert.equal(one.since, 2);
});

test("evaluations are columns of their own", () => {
  const val = { count: 2, step: packed([10, 20]), val_loss: packed([1, 0.5]), val_metric: packed([0, 1]) };
  const one = series(steps(1, 20), { val });
  assert.deepEqual(
    [one.evaluations.step, one.evaluations.val_loss, one.evaluation(sent("val_metric"))],
    [
      [10, 20],
      [1, 0.5],
      [0, 1],
    ],
  );
});

test("what the server left out is remembered", () => {
  const one = series([1, 5], { decimated: true });
  one.append(answer([6]));
  assert.equal(one.complete, false);
});

test("changes by hand are kept, the newest 500", () => {
  const events = steps(1, 600).map((step) => /** @type {[number, string, number]} */ ([step, "learning_rate", 1]));
  const one = series(steps(1, 600), { events });
  assert.deepEqual([one.events.length, one.events[0][0], one.events.at(-1)?.[0]], [500, 101, 600]);
});

test("thousands of steps are bounded; the spike and both ends stay", () => {
  const grad_norm = steps(1, 9000).map((step) => (step === 4321 ? 1e9 : 1));
  const one = series(steps(1, 9000), { grad_norm });
  const { step } = one.columns;
  assert.ok(step.length <= 8000);
  assert.deepEqual([step[0], step.at(-1)], [1, 9000]);
  assert.equal(one.columns.grad_norm[step.indexOf(4321)], 1e9);
  assert.equal(one.complete, false);
  assert.deepEqual(
    step,
    [...step].sort((a, b) => a - b),
  );
  assert.equal(new Set(Object.values(one.columns).map((list) => list.length)).size, 1);
});

test("a line is drawn whole while it is short, and as a copy", () => {
  const one = series(steps(1, 500));
  const [x, y] = line(one);
  assert.deepEqual(x, one.columns.step);
  assert.deepEqual(y, one.columns.train_loss);
  assert.notEqual(x, one.columns.step);
});

test("a long line keeps its spikes, both ends and the order of its steps", () => {
  const train_loss = steps(1, 5000).map((step) => (step === 1234 ? 99 : step === 3456 ? -99 : 1));
  const [x, y] = line(series(steps(1, 5000), { train_loss }));
  assert.ok(x.length <= 802);
  assert.deepEqual([x[0], x.at(-1)], [1, 5000]);
  assert.deepEqual([y[x.indexOf(1234)], y[x.indexOf(3456)]], [99, -99]);
  assert.deepEqual(
    x,
    [...x].sort((a, b) => a - b),
  );
});

test("a long line keeps a loss that is not finite", () => {
  const train_loss = steps(1, 5000).map((step) => (step === 777 ? NaN : 1));
  assert.ok(line(series(steps(1, 5000), { train_loss }))[1].some(Number.isNaN));
});

test("profiles come apart into steps, layer by layer", () => {
  const one = series([1, 2], {
    profiles: {
      count: 2,
      layers: 2,
      timesteps: 3,
      step: packed([1, 2]),
      hidden_grad_norm: packed(steps(1, 12)),
      cell_grad_norm: packed(steps(101, 112)),
    },
  });
  assert.deepEqual([one.layers, one.timesteps], [2, 3]);
  const [, second] = one.profiles;
  assert.deepEqual([...one.layer(second, "hidden_grad_norm", 1)], [10, 11, 12]);
  assert.deepEqual([...one.layer(second, "cell_grad_norm", 0)], [107, 108, 109]);
  assert.deepEqual([...one.layer(second, "direct_grad_norm", 0)], []);
});

test("the profile of a step is the nearest one, the earlier of two as near", () => {
  const one = series(steps(1, 30), { profiles: profiles([10, 20, 30], (step) => [step, step]) });
  assert.deepEqual(
    [1, 10, 14, 15, 16, 29, 1000].map((step) => one.profileAt(step)?.step),
    [10, 10, 10, 10, 20, 30, 30],
  );
});

test("without a step it is the newest one that has finite norms", () => {
  const one = series(steps(1, 3), { profiles: profiles([1, 2, 3], (step) => (step === 3 ? [NaN, Infinity] : [1, 2])) });
  assert.equal(one.profileAt(null)?.step, 2);
  assert.equal(new Series().profileAt(null), null);
  assert.equal(new Series().profileAt(5), null);
});

test("the row of a step is the nearest one", () => {
  const one = series([1, 5, 9]);
  assert.deepEqual(
    [1, 3, 4, 8, 100, null].map((step) => one.rowAt(step)),
    [0, 0, 1, 2, 2, 2],
  );
  assert.equal(new Series().rowAt(3), -1);
});

test("a map has columns at equal distances, each a profile of about its step, the spike among them", () => {
  const one = series(steps(1, 100), { profiles: profiles(steps(1, 100), (step) => [step === 42 ? 1e9 : 1, 1]) });
  const map = one.mapColumns("hidden_grad_norm", 12);
  assert.deepEqual([map.first, map.apart, map.profiles.length], [1, 9, 12]);
  assert.ok(map.profiles.some((profile) => profile.step === 42));
  for (const [place, profile] of map.profiles.entries()) {
    assert.ok(Math.abs(profile.step - (map.first + place * map.apart)) <= map.apart / 2);
  }
});

test("a map fills a stretch without a profile with the nearest one, and has no column of what was not measured", () => {
  const one = series(steps(1, 100), { profiles: profiles([1, 2, 3, 4, 5, 100], (step) => [step]) });
  assert.deepEqual(
    one.mapColumns("hidden_grad_norm", 60).profiles.map((profile) => profile.step),
    [1, 5, 5, 100, 100, 100],
  );
  assert.equal(one.mapColumns("cell_grad_norm", 60).profiles.length, 0);
});

test("tsc refuses a misspelt column", () => {
  const one = series([1, 2]);
  // @ts-expect-error
  assert.equal(one.columns.grad_nrom, undefined);
  // @ts-expect-error
  assert.equal(one.profiles[0]?.hiden_grad_norm, undefined);
  // @ts-expect-error
  assert.deepEqual(one.column("grad_nrom"), []);
  // @ts-expect-error
  assert.deepEqual(one.evaluation("val_los"), []);
  // @ts-expect-error
  assert.deepEqual(one.mapColumns("hiden_grad_norm", 60).profiles, []);
});

test("twins differ first where a loss or a gradient does", () => {
  const a = series(steps(1, 10));
  assert.equal(firstDifference(a, series(steps(1, 8))), null);
  const grad_norm = steps(1, 10).map((step) => (step >= 6 ? 7 : 2 / step));
  assert.deepEqual(firstDifference(a, series(steps(1, 10), { grad_norm })), { step: 6, exact: true });
});

test("where steps between were left out, twins differ by a step", () => {
  const train_loss = [1, 0.5, 9];
  const difference = firstDifference(series(steps(1, 10)), series([1, 2, 8], { train_loss, decimated: true }));
  assert.deepEqual(difference, { step: 8, exact: false });
});

test("twins that become NaN together do not differ", () => {
  const train_loss = [1, NaN];
  assert.equal(firstDifference(series([1, 2], { train_loss }), series([1, 2], { train_loss })), null);
});
