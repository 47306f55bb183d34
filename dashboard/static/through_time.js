// Gradient through time reads itself: which way it travels, and what vanishes and what explodes on that way.

import { element } from "./dom.js";

/** @import { Card } from "./card.js" */
/** @import { Context } from "./figures.d.ts" */
/** @import { Drawn } from "./rules.js" */
/** @import { Annotation, AxisLayout, Layout, Trace } from "./plotly.d.ts" */
/** @typedef {{ text: string, color: string, low: number, high: number }} Area between two powers of ten */

const WORD_EM = 5.4; // length of the names of the areas, in sizes of type
const TICKS_EM = 3; // room for the numbers of the ratio axis
const TICK_EM = 2.6; // apart at least
const SEEN_EM = 0.7; // height of an area that is worth a name
const STILL = 2; // places per power of ten for names of areas: they would tremble with the values
const SAME = 1.05; // values this close to each other are one line to the eye

/**
 * Areas above and below the values at t = T, their names, and the ratio to those values on the right.
 * @param {Drawn} drawn
 */
export function throughTime({ card, context, data, layout, empty }) {
  const { room } = card;
  const { palette } = context.view;
  const ends = data.filter(({ meta }) => meta?.fill === "profileEnd");
  const values = ends.flatMap(({ y }) => (typeof y?.[0] === "number" ? [y[0]] : []));
  const reverse = context.runs.some((run) => run.reverse); // its gradient travels from t = 1: other values would be its
  if (empty || !room || !values.length || reverse) {
    nameBelow(card, []);
    delete layout.yaxis2;
    for (const trace of ends) Object.assign(trace, { x: [], y: [] });
    if (reverse && !empty && values.length) layout.annotations = [...(layout.annotations ?? []), way(context, layout)];
    return;
  }
  const [lowest, highest] = [Math.min(...values), Math.max(...values)];
  for (const trace of data) {
    const { fill, side } = trace.meta ?? {};
    if (fill === "zone") area(trace, room, side === "above" ? [highest, 10 ** room.high] : [lowest, 10 ** room.low]);
  }
  const [from, to] = /** @type {number[]} */ (layout.yaxis.domain ?? [0, 1]);
  const length = (context.height - layout.margin.t - layout.margin.b) * (to - from);
  const scale = length / (room.high - room.low);
  /** @type {Area[]} */
  const areas = [
    { text: "exploding", color: palette.explodes, low: Math.log10(highest), high: room.high },
    { text: "vanishing", color: palette.vanishes, low: room.low, high: Math.log10(lowest) },
  ];
  const tall = (/** @type {Area} */ area, /** @type {number} */ em) =>
    (area.high - area.low) * scale >= em * layout.font.size;
  const beside = areas.filter((each) => tall(each, WORD_EM));
  nameBelow(
    card,
    areas.filter((each) => tall(each, SEEN_EM) && !beside.includes(each)),
  );
  data.push({ ...room.corners(false), yaxis: "y2" });
  // Where the runs end at different values, the ratio is that of the first one, and has its colour.
  const color = highest / lowest > SAME ? ends.find(({ y }) => y?.length)?.line?.color : undefined;
  ratios(/** @type {AxisLayout} */ (layout.yaxis2), values[0], room, length / layout.font.size, color);
  layout.annotations = [
    ...(layout.annotations ?? []),
    way(context, layout),
    {
      ...above(layout),
      text: "g<sub>t</sub>/g<sub>T</sub>",
      x: 1,
      xanchor: "left",
      yshift: layout.font.size / 2, // clear of a number at the end of its axis
      font: { size: layout.font.size, color },
    },
    ...beside.map((each) => named(each, layout)),
  ];
}

/**
 * Areas that have no room for a name beside them are named below the figure.
 * @param {Card} card
 * @param {Area[]} areas
 */
function nameBelow(card, areas) {
  const place = card.legend.querySelector(".rgl-lines");
  if (!place || place.textContent === areas.map(({ text }) => text).join("")) return;
  place.replaceChildren(
    ...areas.map(({ text, color }) => {
      const entry = element("span", "rgl-entry");
      const sample = element("span", "rgl-tint");
      sample.style.background = color;
      entry.append(sample, element("span", "", text));
      return entry;
    }),
  );
}

/**
 * @param {Trace} trace
 * @param {{ first: number, last: number }} room
 * @param {[number, number]} y
 */
function area(trace, { first, last }, [from, to]) {
  trace.x = [first, last, last, first];
  trace.y = [from, from, to, to];
}

/**
 * The ticks of the ratio axis: whole powers of ten times the value at t = T.
 * @param {AxisLayout} axis
 * @param {number} end
 * @param {{ low: number, high: number }} room
 * @param {number} length of the axis, in sizes of type
 * @param {string | undefined} color
 */
function ratios(axis, end, { low, high }, length, color) {
  const shift = Math.log10(end);
  const apart = Math.max(1, Math.ceil(((high - low) * TICK_EM) / length));
  const powers = [];
  for (let power = Math.ceil((low - shift) / apart) * apart; power <= high - shift; power += apart) powers.push(power);
  axis.tickvals = powers.map((power) => end * 10 ** power);
  axis.ticktext = powers.map((power) => (power === 0 ? "1" : `10<sup>${power}</sup>`));
  if (color) axis.tickfont = { ...axis.tickfont, color };
}

/** @param {Layout} layout */
function above(layout) {
  return { xref: "paper", yref: "paper", y: 1, yanchor: "bottom", showarrow: false, font: { size: layout.font.size } };
}

/**
 * Which way the gradient travels: to t = 1, in reverse directions to t = T.
 * @param {Context} context
 * @param {Layout} layout
 * @returns {Annotation}
 */
function way({ options: { lag }, runs, width }, layout) {
  const free = (width - layout.margin.l - layout.margin.r) / layout.font.size - 17; // beside the words, in sizes of type
  const line = "─".repeat(Math.max(0, Math.min(12, Math.floor(free / 2))));
  const towards = new Set(runs.map(({ reverse }) => Boolean(reverse) === Boolean(lag))); // true: to the left
  const words = towards.size === 2 ? "the gradient travels both ways" : "the gradient travels this way";
  const text = `${towards.has(true) ? "◀" : ""}${line} ${words} ${line}${towards.has(false) ? "▶" : ""}`;
  return { ...above(layout), text, x: 0.5, xanchor: "center" };
}

/**
 * The name of an area, upright beside it.
 * @param {Area} area
 * @param {Layout} layout
 * @returns {Annotation}
 */
function named({ text, low, high }, layout) {
  const { size } = layout.font;
  const place = {
    x: 1,
    xref: "paper",
    xanchor: "left",
    xshift: TICKS_EM * size,
    y: Math.round(((low + high) / 2) * STILL) / STILL,
    yanchor: "middle",
  };
  return { text, ...place, textangle: 90, showarrow: false, font: { size } };
}
