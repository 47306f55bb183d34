// One timestep opened: what is computed from what for one unit.

import { button, element } from "./dom.js";
import { MICRO_CELLS } from "./micro_cells.js";
import { liveAttribute, liveText, Parts } from "./micro_live.js";
import { digits, says } from "./micro_words.js";
import { local } from "./tape.js";

/** @import { OnScreen } from "./micro_live.js" */
/** @import { Frame, Place } from "./micro_unrolled.js" */
/** @import { Net } from "./micro_net.js" */
/** @import { Tape, Value } from "./tape.js" */

const SVG = "http://www.w3.org/2000/svg";
const [COLUMN_PX, ROW_PX, BOX_W, BOX_H] = [132, 68, 80, 58];

export class Inside {
  shape = "";
  unit = 0;

  /**
   * @param {(place: Place) => void} choose
   * @param {OnScreen} screen
   */
  constructor(choose, screen) {
    /** @type {Parts<Frame>} what each number of the picture shows */ this.parts = new Parts(screen);
    this.choose = choose;
    this.root = element("section", "rgl-micro-inside");
    this.title = liveText(this.root.appendChild(element("h2")));
    this.picture = element("div", "rgl-micro-picture");
    this.picture.tabIndex = 0;
    this.picture.setAttribute("role", "region");
    this.picture.setAttribute("aria-label", "what is computed from what at this timestep");
    this.root.append(this.picture);
  }

  /** @param {Frame} frame */
  show(frame) {
    const { net, tape, chosen } = frame;
    const shape = JSON.stringify([net.cell, net.hidden, net.inputs.length, net.every, chosen.t]);
    if (shape !== this.shape) this.build(net, tape, chosen.t);
    this.shape = shape;
    this.unit = chosen.name === "y" || chosen.name === "loss" ? 0 : Math.min(chosen.unit, net.hidden - 1);
    this.title(`Inside t = ${chosen.t}${chosen.name === "y" ? "" : `, unit ${this.unit + 1}`}`);
    this.parts.show(frame, frame.all);
  }

  /**
   * @param {Net} net
   * @param {Tape} tape
   * @param {number} t
   */
  build(net, tape, t) {
    this.parts.clear();
    const nodes = placed(net, tape, t);
    const width = Math.max(...nodes.map(({ at }) => at[0])) * COLUMN_PX + BOX_W;
    const height = (Math.max(...nodes.map(({ at }) => at[1])) + 1) * ROW_PX;
    const board = element("div", "rgl-micro-drawn");
    Object.assign(board.style, { width: `${width}px`, height: `${height}px` });
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("aria-hidden", "true");
    svg.setAttribute("width", String(width));
    svg.setAttribute("height", String(height));
    board.append(svg);
    for (const { value, at } of nodes) {
      for (const [place, { source }] of value.edges.entries()) {
        const from = nodes.find((node) => node.value === source);
        if (!from) continue;
        const [x1, y1] = [from.at[0] * COLUMN_PX + BOX_W, (from.at[1] + 0.5) * ROW_PX];
        const [x2, y2] = [at[0] * COLUMN_PX, (at[1] + 0.5) * ROW_PX];
        const middle = (x1 + x2) / 2;
        const path = document.createElementNS(SVG, "path");
        path.setAttribute("d", `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`);
        svg.append(path);
        if (slopes(value)) board.append(this.slope(value, place, middle, (y1 + y2) / 2));
      }
    }
    board.append(...nodes.map((node) => this.node(node, t)));
    const { scrollLeft } = this.picture;
    this.picture.replaceChildren(board);
    const cellWidth = Math.max(...MICRO_CELLS[net.cell].places.map(({ at }) => at[0])) * COLUMN_PX + BOX_W;
    this.root.style.flexBasis = `${cellWidth}px`; // whether an answer stands beside it or not
    this.picture.scrollLeft = scrollLeft;
  }

  /**
   * How much one value changes the next: a number on the line between them.
   * @param {Value} value
   * @param {number} place of the edge
   * @param {number} x
   * @param {number} y
   */
  slope({ name, t }, place, x, y) {
    const label = element("span", "rgl-micro-slope");
    Object.assign(label.style, { left: `${x}px`, top: `${y}px` });
    const text = liveText(label);
    this.parts.add(this.picture, ({ tape, back }) => {
      const edge = tape.find(name, t)?.edges[place];
      text(edge && t >= back ? `× ${digits(local(edge, this.unit, this.unit))}` : "");
    });
    return label;
  }

  /**
   * @param {{ value: Value, at: number[], says: string }} node
   * @param {number} now
   */
  node({ value: { name, t, data, uses }, at, says: text }, now) {
    const many = data.length > 1 && uses.some((use) => use.t === now && use.op === "affine" && use.name !== "y");
    const own = () => (data.length > this.unit ? this.unit : 0);
    const node = button("", `${text}: open its arithmetic`, () => this.choose({ name, t, unit: own() }));
    node.className = "rgl-micro-node";
    Object.assign(node.style, { left: `${at[0] * COLUMN_PX}px`, top: `${(at[1] + 0.5) * ROW_PX - BOX_H / 2}px` });
    const [number, slope] = [element("span"), element("small")];
    node.append(element("b", "", text), number, slope);
    const [value, grad, pressed] = [liveText(number), liveText(slope), liveAttribute(node, "aria-pressed")];
    this.parts.add(this.picture, ({ tape, chosen, seen, back }) => {
      const found = /** @type {Value} */ (tape.find(name, t));
      value(many ? "all units" : t <= seen ? digits(found.data[own()]) : "");
      grad(many || name === "loss" || t < back ? "" : digits(found.grad[own()]));
      pressed(String(chosen.name === name && chosen.t === t));
    });
    return node;
  }
}

/**
 * Whether lines to a value bear a number: a sum passes on what arrives as it is, and weights stand in tables.
 * @param {Value} value
 */
const slopes = ({ op }) => op !== "plus" && op !== "affine" && op !== "loss";

/**
 * The values of a timestep and those that come into it, each with its place.
 * @param {Net} net
 * @param {Tape} tape
 * @param {number} t
 */
function placed({ cell }, tape, t) {
  const { places, states } = MICRO_CELLS[cell];
  const inputRow = Math.max(1, ...places.map(({ at }) => at[1]));
  const ends = Math.max(...places.map(({ at }) => at[0]));
  const [, outRow] = places.find(({ name }) => name === "h")?.at ?? [0, 0];
  const cellState = states.includes("c");
  /** @type {[string, number, number[], string][]} */
  const wanted = [
    ["h", t - 1, [0, cellState ? inputRow - 1 : 0], "h before"],
    ["x", t, [0, inputRow], "x"],
    ...places.map(
      ({ name, at }) => /** @type {[string, number, number[], string]} */ ([name, t, at, says(cell, name)]),
    ),
    ["y", t, [ends + 1, outRow], "y"],
    ["loss", t, [ends + 2, outRow], "L"],
  ];
  if (cellState) wanted.unshift(["c", t - 1, [0, 0], "c before"]);
  return wanted.flatMap(([name, time, at, text]) => {
    const value = tape.find(name, time);
    return value ? [{ value, at, says: text }] : [];
  });
}
