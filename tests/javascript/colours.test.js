// The colours of maps: one range for all, which a few extreme values do not stretch, and marks for those.

import assert from "node:assert/strict";
import test from "node:test";
import { sharedColours } from "../../dashboard/static/colours.js";
import { context, layout, run } from "./figure.js";

/** @import { Card } from "../../dashboard/static/card.js" */
/** @import { Trace } from "../../dashboard/static/plotly.d.ts" */

/**
 * @param {(number | null)[][][]} maps
 * @param {number} height of the figure
 */
function coloured(maps, height = 240) {
  const card = /** @type {Card} */ (/** @type {unknown} */ ({ colours: null }));
  const data = maps.map((z) => /** @type {Trace} */ ({ type: "heatmap", z }));
  const drawn = { card, context: context([run([1])], { height }), data, layout: layout(), empty: false };
  drawn.layout.coloraxis = {
    colorscale: [
      [0, "#000011"],
      [1, "#ffff00"],
    ],
    colorbar: { thickness: 12 },
  }; // prettier-ignore
  sharedColours(drawn);
  const { cmin, cmax, colorscale, colorbar } = drawn.layout.coloraxis ?? {};
  return {
    data,
    cmin,
    cmax,
    scale: /** @type {[number, string][]} */ (colorscale),
    bar: /** @type {any} */ (colorbar),
  };
}

test("maps share one range of colours; an exact 0 is at its bottom", () => {
  const { data, cmin, cmax, scale, bar } = coloured([[[-3, null]], [[2, -Infinity]]]);
  assert.deepEqual([cmin, cmax, scale.length, bar.tickvals], [-3, 2, 2, undefined]);
  assert.deepEqual(
    data.map(({ z }) => z),
    [[[-3, null]], [[2, -3]]],
  );
  const nothing = coloured([[[]]]);
  assert.deepEqual([nothing.cmin, nothing.cmax], [-1, 0]);
});

test("a spike leaves the colours of everything else as they are, and has one of its own, which the bar names", () => {
  const usual = Array.from({ length: 10 }, (_, row) =>
    Array.from({ length: 100 }, (_, place) => (row + place / 100) / 2),
  );
  const spiky = usual.map((row) => row.map((value, place) => (place === 50 ? 40 : value)));
  const { cmax, scale, bar } = coloured([usual, spiky]);
  assert.ok(cmax !== undefined && cmax < 6);
  assert.deepEqual(scale.at(-1), [1, "#f0f"]);
  assert.match(bar.ticktext.at(-1), /^> 10<sup>/);
  assert.equal(scale[0][1], "#000011"); // nothing lies below
  const places = scale.map(([place]) => place);
  assert.deepEqual(
    places,
    [...places].sort((a, b) => a - b),
  );
});

test("what is spread evenly has no marked ends", () => {
  const even = [Array.from({ length: 1000 }, (_, place) => place / 100)];
  const { cmin, cmax, scale } = coloured([even]);
  assert.deepEqual([cmin, cmax, scale.length], [0, 10, 2]);
});

test("a low bar has as many numbers as fit beside it, the ends among them", () => {
  const [even, fallen] = [0, 1].map((end) =>
    Array.from({ length: 1000 }, (_, row) => (row < 5 * end ? -300 : row / -25)),
  );
  for (const height of [90, 120, 160, 300]) {
    const { bar } = coloured([[fallen]], height);
    assert.ok(bar.tickvals.length <= Math.max(2, (height - 50) / 12 / 1.6), `${height}: ${bar.ticktext}`);
    assert.match(bar.ticktext[0], /^< 10<sup>/);
    assert.ok(coloured([[even]], height).bar.nticks <= Math.max(2, (height - 50) / 12 / 1.6));
  }
});
