import assert from "node:assert/strict";
import { test } from "node:test";
import { favourite, lessonOf, percents, standing, standingFor } from "../../dashboard/static/class_poll.js";

/** @import { Poll } from "../../dashboard/static/class.d.ts" */

/** @type {Poll} */
const OPEN = {
  number: 1,
  question: "Which?",
  choices: ["a", "b", "c"],
  open: true,
  answers: 3,
  counts: null,
  right: null,
  right_percent: null,
};

test("shares are whole and add up to 100", () => {
  assert.deepEqual(percents([1, 1, 1]), [34, 33, 33]);
  assert.deepEqual(percents([0, 0, 0]), [0, 0, 0]);
  assert.deepEqual(percents([1, 0]), [100, 0]);
  for (const counts of [
    [7, 11, 13, 2],
    [1, 199],
    [3, 3, 1],
    [29, 29, 29, 29, 29, 29, 29],
  ]) {
    const shares = percents(counts);
    assert.equal(
      shares.reduce((sum, each) => sum + each, 0),
      100,
    );
    const total = counts.reduce((sum, each) => sum + each, 0);
    for (const [index, share] of shares.entries()) assert.ok(Math.abs(share - (100 * counts[index]) / total) < 1);
  }
});

test("the favourite is what most have chosen, the first of several", () => {
  assert.equal(favourite([1, 4, 2]), 1);
  assert.equal(favourite([3, 3]), 0);
  assert.equal(favourite([0, 0, 0]), 0);
});

test("the projector says how many have predicted, and who was right only once it is told", () => {
  assert.equal(standing(OPEN, 4), "3 of 4 have predicted.");
  assert.equal(standing({ ...OPEN, answers: 1 }, 4), "1 of 4 has predicted.");
  const closed = { ...OPEN, open: false, counts: [1, 2, 0] };
  assert.equal(standing(closed, 4), "Closed: 3 of 4 have predicted.");
  assert.equal(standing({ ...closed, right: 1, right_percent: 66.7 }, 4), "67 % were right.");
  assert.equal(standing({ ...closed, answers: 0, right: 1, right_percent: null }, 4), "Nobody predicted.");
});

test("a student reads whether the own prediction has come true, never those of others", () => {
  const student = { ...OPEN, answers: null };
  assert.equal(standingFor(student, null), "What do you predict?");
  assert.match(standingFor(student, 2), /can change/);
  const told = { ...student, open: false, counts: [1, 2, 1], right: 1, right_percent: 50 };
  assert.equal(standingFor(told, 1), "You were right. 50 % were right.");
  assert.equal(standingFor(told, 0), "It turned out differently. 50 % were right.");
  assert.equal(standingFor(told, null), "50 % were right.");
});

test("a question is known as a lesson's by its text", () => {
  const lesson = { text: "Which?", title: "T", question: "<i>", choices: [], answer: "" };
  assert.equal(lessonOf(OPEN, { one: { ...lesson, text: "Other" }, two: lesson }), lesson);
  assert.equal(lessonOf(OPEN, {}), null);
});
