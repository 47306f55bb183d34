// Maps side by side: their names, and the room between them, in cards of any size.

import assert from "node:assert/strict";
import test from "node:test";
import { mapGrid } from "../../dashboard/static/maps.js";
import { shortNames } from "../../dashboard/static/names.js";
import { context, layout, run } from "./figure.js";

/** @import { Card } from "../../dashboard/static/card.js" */
/** @import { Annotation, AxisLayout } from "../../dashboard/static/plotly.d.ts" */

/**
 * @param {string[]} labels
 * @param {{ width?: number, height?: number, size?: number, steps?: number, waiting?: number[], classes?: string[] }} given
 */
function drawn(labels, { width = 450, height = 250, size = 12, steps = 1000, waiting = [], classes } = {}) {
  const short = shortNames(labels);
  const runs = labels.map((label, index) => ({ ...run([1, 2]), label, short: short[index] }));
  const all = layout();
  const data = labels.map((_, index) => {
    for (const name of [`xaxis${index ? index + 1 : ""}`, `yaxis${index ? index + 1 : ""}`]) {
      all[name] = { title: {}, tickfont: { size } };
    }
    const suffix = index ? String(index + 1) : "";
    return {
      type: "heatmap",
      xaxis: `x${suffix}`,
      yaxis: `y${suffix}`,
      x: classes,
      x0: 0,
      dx: steps / 10,
      z: waiting.includes(index) ? [] : [new Array(10).fill(0)],
    };
  });
  all.xaxis.title.text = "training step";
  all.font.size = size;
  all.meta = { columns: Math.min(3, labels.length) };
  all.annotations = labels.map(() => ({ text: "", x: 0, y: 0, showarrow: false, font: {} }));
  const card = /** @type {Card} */ (/** @type {unknown} */ (null));
  mapGrid({ card, context: context(runs, { width, height }), data, layout: all, empty: false });
  const boxes = labels.map((_, index) => {
    const axis = (/** @type {string} */ name) =>
      /** @type {[number, number]} */ (
        /** @type {AxisLayout} */ (all[`${name}axis${index ? index + 1 : ""}`])?.domain ?? [0, 0]
      );
    return { x: axis("x"), y: axis("y") };
  });
  const annotations = /** @type {Annotation[]} */ (all.annotations);
  return { boxes, names: annotations.slice(0, labels.length).map(({ text }) => text), annotations, layout: all, data };
}

const LONG = ["not clipped, RNN, 16 units", "not clipped, LSTM, 16 units", "clipped at 0.5, GRU, 16 units"];

test("names stand above their maps in full, in as few lines as they need, or are numbers", () => {
  assert.deepEqual(drawn(["clipped at 1", "not clipped"]).names, ["clipped at 1", "not clipped"]);
  assert.deepEqual(
    drawn(LONG, { width: 900 }).names.map((name) => name.replaceAll("<br>", " ")),
    LONG,
  );
  assert.deepEqual(drawn(LONG, { width: 300 }).names, ["1", "2", "3"]);
  assert.deepEqual(drawn(["a rather long name of a run", "b"], { width: 330, size: 26 }).names, ["■", "■"]);
});

test("a map that has nothing to show yet is left out with its axes, and its name and the others stay in their places", () => {
  const whole = drawn(LONG, { width: 900 });
  const part = drawn(LONG, { width: 900, waiting: [1] });
  assert.deepEqual(
    Object.keys(part.layout).filter((key) => /axis/.test(key)),
    ["xaxis", "yaxis", "xaxis3", "yaxis3"],
  );
  assert.deepEqual(
    part.data.map(({ xaxis }) => xaxis),
    ["x", "x3"],
  );
  assert.equal(drawn(LONG, { waiting: [0, 1, 2] }).data.length, 1);
  assert.deepEqual(part.names, whole.names);
  assert.deepEqual([part.boxes[0], part.boxes[2]], [whole.boxes[0], whole.boxes[2]]);
});

test("six maps lie beside and below each other without touching, in small cards and in large type too", () => {
  for (const given of [{}, { width: 300 }, { width: 620, height: 280, size: 26 }, { width: 1000, height: 600 }]) {
    const { boxes } = drawn([...LONG, ...LONG], given);
    for (const [index, { x, y }] of boxes.entries()) {
      assert.ok(x[0] >= 0 && x[1] <= 1.0001 && y[0] >= -0.0001 && y[1] <= 1.0001 && x[0] < x[1] && y[0] < y[1]);
      const [right, below] = [boxes[index + 1], boxes[index + 3]];
      if (index % 3 < 2) assert.ok(x[1] < right.x[0]);
      if (index < 3) assert.ok(y[0] > below.y[1]);
    }
  }
});

test("between maps there is room for the last number of one and the first of the next", () => {
  for (const steps of [100, 1000, 100_000]) {
    const { boxes, layout: all } = drawn(["a", "b", "c"], { steps, width: 900 });
    const free = 900 - all.margin.l - all.margin.r - 6 * 12;
    const half = (String(steps).length + 1) * 0.56 * 12 * 0.5;
    assert.ok((boxes[1].x[0] - boxes[0].x[1]) * free > half);
  }
});

test("one title of an axis is enough for all maps", () => {
  const { annotations, layout: all } = drawn(["a", "b"]);
  assert.deepEqual([annotations.length, annotations[2].text, annotations[2].x], [3, "training step", 0.5]);
  assert.equal(all.xaxis.title.text, "");
});

test("many runs, and such with long names, are numbered", () => {
  assert.deepEqual(shortNames(["a", "b", "c"]), [null, null, null]);
  assert.deepEqual(shortNames(["a", "b", "c", "d"]), ["1", "2", "3", "4"]);
  assert.deepEqual(shortNames(LONG), ["1", "2", "3"]);
  assert.deepEqual(shortNames([LONG.join(", ")]), [null]);
});

test("names of classes that do not fit side by side stand upright below the only row, and are left out below several", () => {
  const classes = ["Normal …rhythm", "Atrial …sponse", "Ventric…orphic", "Noise"];
  const [short, long] = [["a", "b"], classes].map(
    (names) => drawn(LONG.slice(0, 2), { height: 400, classes: names }).layout,
  );
  assert.equal(short.xaxis.tickangle, undefined);
  assert.equal(long.xaxis.tickangle, -90);
  assert.ok(long.margin.b - short.margin.b > 60, "room for them");
  assert.ok(Number(long.annotations?.at(-1)?.yshift) < -90, "the title stands below them");
  const many = drawn([...LONG, ...LONG.map((name) => `${name}, again`)], { height: 400, classes }).layout;
  for (const name of ["xaxis", "xaxis4"]) {
    assert.equal(/** @type {AxisLayout} */ (many[name]).showticklabels, false);
  }
  assert.equal(drawn(LONG.slice(0, 1), { height: 200, classes }).layout.xaxis.showticklabels, false, "a low figure");
});
