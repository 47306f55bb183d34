// What is said in the margins: no name lies on another one, and runs that coincide are both seen.

import assert from "node:assert/strict";
import test from "node:test";
import { marks, placed, sameSoFar } from "../../dashboard/static/margins.js";
import { context, layout, run } from "./figure.js";
import { sent } from "./packed.js";

/** @import { Card } from "../../dashboard/static/card.js" */
/** @import { Mark } from "../../dashboard/static/figures.d.ts" */
/** @import { Trace } from "../../dashboard/static/plotly.d.ts" */

/**
 * A card of which the rules read no more than this.
 * @param {boolean} steps
 */
function card(steps) {
  const words = { textContent: "" };
  const legend = { querySelector: () => words, classList: { toggle: () => {} } };
  const given = { about: { steps }, room: { first: 1, last: 100 }, legend };
  return { card: /** @type {Card} */ (/** @type {unknown} */ (given)), words };
}

test("names of marks never lie on one another or beyond the figure", () => {
  const steps = [1, 2, 3, 10, 11, 50, 51, 52, 53, 99, 100];
  const list = steps.map((step) => ({ step, text: `learning rate ${step}` }));
  const rows = placed(list, (step) => step * 4, 400, 6);
  const boxes = rows.flatMap((place, index) => {
    if (!place) return [];
    const length = list[index].text.length * 6;
    const from = steps[index] * 4 - (place.anchor === "left" ? 0 : length);
    return [{ row: place.row, from, to: from + length }];
  });
  assert.ok(boxes.length >= 4);
  for (const [index, { row, from, to }] of boxes.entries()) {
    assert.ok(from >= 0 && to <= 400);
    for (const other of boxes.slice(index + 1)) assert.ok(other.row !== row || other.from >= to || other.to <= from);
  }
});

test("marks are lines whose names stand above the figure", () => {
  const list = [
    { step: 2, text: "they part at step 2" },
    { step: 98, text: "diverged", alert: true },
  ];
  const drawn = { card: card(true).card, context: context([run([1])]), data: [], layout: layout(), empty: false };
  drawn.context.view.marks = list;
  marks(drawn);
  const { shapes, annotations, margin } = drawn.layout;
  assert.deepEqual(
    shapes?.map(({ x0, line }) => [x0, line.color]),
    [
      [2, "#555"],
      [98, "#f00"],
    ],
  );
  assert.deepEqual(
    annotations?.map(({ text, xanchor, y, yanchor }) => [text, xanchor, y, yanchor]),
    [
      ["they part at step 2", "left", 1, "bottom"],
      ["diverged", "right", 1, "bottom"],
    ],
  );
  assert.ok(margin.t >= 14);
});

test("nor do they wherever they come, however long they are and however narrow the figure is", () => {
  let seed = 1;
  const random = (/** @type {number} */ below) => {
    seed = (seed * 48271) % 2147483647; // of Park and Miller
    return seed % below;
  };
  for (let turn = 0; turn < 500; turn++) {
    const width = 60 + random(1500);
    const letter = 4 + random(20);
    const list = Array.from({ length: 1 + random(12) }, () => ({ step: random(1000), text: "x".repeat(random(40)) }));
    const at = (/** @type {number} */ step) => (step / 1000) * width;
    const boxes = placed(list, at, width, letter).flatMap((place, index) => {
      if (!place) return [];
      const { step, text } = list[index];
      const from = at(step) - (place.anchor === "left" ? 0 : text.length * letter);
      return [{ row: place.row, from, to: from + text.length * letter }];
    });
    for (const [index, { row, from, to }] of boxes.entries()) {
      assert.ok(from >= 0 && to <= width);
      for (const other of boxes.slice(index + 1)) assert.ok(other.row !== row || other.from >= to || other.to <= from);
    }
  }
});

/**
 * @param {boolean} steps whether the figure is over the training steps
 * @param {number[][]} curves of the first and the second run
 * @param {{ alike?: number[], status?: "running" | "finished" }} given
 */
function coinciding(steps, curves, { alike = [], status = "running" } = {}) {
  const { card: own, words } = card(steps);
  const all = context([run([1], { status }), run([1], { status })]);
  all.view.alike = alike;
  const data = curves.map((y, place) => ({
    type: "scatter",
    y,
    line: { color: "#123" },
    meta: { fill: "profile", run: place, y: sent("hidden_grad_norm") },
  }));
  sameSoFar({ card: own, context: all, data, layout: layout(), empty: false });
  const dashes = /** @type {Trace[]} */ (data).map(({ line }) => line?.dash);
  return { said: words.textContent, dashes };
}

test("twins that have not parted are said to be the same, and both colours are seen", () => {
  assert.deepEqual(coinciding(true, [[1], [1]], { alike: [0, 1] }), {
    said: "the two runs are the same so far",
    dashes: [undefined, "dash"],
  });
  const over = coinciding(true, [[1], [1]], { alike: [0, 1], status: "finished" });
  assert.equal(over.said, "the two runs are the same at every step");
});

test("of three runs those that have not parted from the first are named", () => {
  const { card: own, words } = card(true);
  const runs = ["RNN", "LSTM", "GRU"].map((label) => ({ ...run([1], { status: "running" }), label }));
  const all = context(runs);
  all.view.alike = [0, 2];
  const data = [1, 2, 1].map((y, place) => ({
    type: "scatter",
    y: [y],
    line: { color: "#123" },
    meta: { fill: "line", run: place, y: sent("train_loss") },
  }));
  sameSoFar({ card: own, context: all, data, layout: layout(), empty: false });
  assert.equal(words.textContent, "RNN and GRU are the same so far");
  assert.deepEqual(
    /** @type {Trace[]} */ (data).map(({ line }) => line?.dash),
    [undefined, undefined, "dash"],
  );
});

test("twins that have parted are not, but a profile of both may be the same", () => {
  assert.deepEqual(coinciding(true, [[1], [2]]), { said: "", dashes: [undefined, undefined] });
  assert.equal(
    coinciding(false, [
      [1, 2],
      [1, 2],
    ]).said,
    "the two runs are the same at this step",
  ); // prettier-ignore
  assert.equal(
    coinciding(false, [
      [1, 2],
      [1, 3],
    ]).said,
    "",
  ); // prettier-ignore
});
