// One timestep opened: what is computed from what for one unit, and the arithmetic of any number in it.

import { button, element, setText } from "./dom.js";
import { MICRO_CELLS } from "./micro_cells.js";
import { measured } from "./micro_net.js";
import { called, digits, formula, says } from "./micro_words.js";
import { arrivals, local } from "./tape.js";

/** @import { Net } from "./micro_net.js" */
/** @import { Place } from "./micro_unrolled.js" */
/** @import { Edge, Tape, Value } from "./tape.js" */

const SVG = "http://www.w3.org/2000/svg";
const [COLUMN_PX, ROW_PX, BOX_W, BOX_H] = [128, 62, 80, 46];

export class Inside {
  back = 1;
  key = "";

  /** @param {(place: Place) => void} choose */
  constructor(choose) {
    this.choose = choose;
    this.root = element("section", "rgl-micro-inside");
    this.title = element("h2");
    this.picture = element("div", "rgl-micro-picture");
    this.picture.tabIndex = 0;
    this.picture.setAttribute("role", "region");
    this.picture.setAttribute("aria-label", "what is computed from what at this timestep");
    this.sum = element("section", "rgl-micro-sum");
    this.root.append(this.title, this.picture);
  }

  /**
   * @param {Net} net
   * @param {Tape} tape
   * @param {Place} chosen
   * @param {number} back the timestep to which gradients have come
   */
  show(net, tape, chosen, back) {
    this.back = back;
    const key = JSON.stringify([net.cell, net.hidden, net.inputs.length, net.every, chosen, back]);
    const same = key === this.key; // what can be pressed, and where it stands: only numbers are new
    this.key = key;
    const unit = chosen.name === "y" || chosen.name === "loss" ? 0 : Math.min(chosen.unit, net.hidden - 1);
    setText(this.title, `Inside t = ${chosen.t}${chosen.name === "y" ? "" : `, unit ${unit + 1}`}`);
    const { scrollLeft } = this.picture;
    renew(this.picture, [this.drawn(net, tape, chosen, unit)], same);
    this.picture.scrollLeft = scrollLeft;
    const value = tape.find(chosen.name, chosen.t);
    renew(this.sum, value ? this.arithmetic(net, value, chosen.name === "y" ? 0 : chosen.unit) : [], same);
  }

  /**
   * @param {Net} net
   * @param {Tape} tape
   * @param {Place} chosen
   * @param {number} unit
   */
  drawn(net, tape, { name: chosenName, t }, unit) {
    const { places, states } = MICRO_CELLS[net.cell];
    const rows = Math.max(...places.map(({ at }) => at[1]));
    const ends = Math.max(...places.map(({ at }) => at[0]));
    const [, outRow] = places.find(({ name }) => name === "h")?.at ?? [0, 0];
    /** @type {{ value: Value, at: number[], says: string }[]} */
    const nodes = [];
    const put = (
      /** @type {string} */ name,
      /** @type {number} */ time,
      /** @type {number[]} */ at,
      text = says(net.cell, name),
    ) => {
      const value = tape.find(name, time);
      if (value) nodes.push({ value, at, says: text });
    };
    const inputRow = rows === 0 ? 1 : rows;
    if (states.includes("c")) put("c", t - 1, [0, 0], "c before");
    put("h", t - 1, [0, states.includes("c") ? inputRow - 1 : 0], "h before");
    put("x", t, [0, inputRow]);
    for (const { name, at } of places) put(name, t, at);
    put("y", t, [ends + 1, outRow]);
    put("loss", t, [ends + 2, outRow]);
    const width = (Math.max(...nodes.map(({ at }) => at[0])) + 1) * COLUMN_PX;
    const height = (Math.max(...nodes.map(({ at }) => at[1])) + 1) * ROW_PX;
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("aria-hidden", "true");
    svg.setAttribute("width", String(width));
    svg.setAttribute("height", String(height));
    const labels = [];
    for (const { value, at } of nodes) {
      for (const edge of value.edges) {
        const from = nodes.find(({ value: each }) => each === edge.source);
        if (!from) continue;
        const [x1, y1, x2, y2] = [
          from.at[0] * COLUMN_PX + BOX_W,
          (from.at[1] + 0.5) * ROW_PX,
          at[0] * COLUMN_PX,
          (at[1] + 0.5) * ROW_PX,
        ];
        const path = document.createElementNS(SVG, "path");
        const middle = (x1 + x2) / 2;
        path.setAttribute("d", `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`);
        svg.append(path);
        if ("slope" in edge && value.op !== "plus" && t >= this.back)
          labels.push(this.slope(edge, unit, x1, y1, x2, y2));
      }
    }
    const boxes = nodes.map(({ value, at, says: text }) => {
      const many =
        value.data.length > 1 && value.uses.some((use) => use.t === t && use.op === "affine" && use.name !== "y");
      const at_ = value.data.length > unit ? unit : 0;
      const node = button("", `${text}: open its arithmetic`, () =>
        this.choose({ name: value.name, t: value.t, unit: at_ }),
      );
      node.className = "rgl-micro-node";
      node.setAttribute("aria-pressed", String(value.name === chosenName && value.t === t));
      const own = element("span", "", many ? `all ${text}` : `${text} ${digits(value.data[at_])}`);
      node.append(
        own,
        element("small", "", value.name === "loss" || many || t < this.back ? "" : digits(value.grad[at_])),
      );
      Object.assign(node.style, { left: `${at[0] * COLUMN_PX}px`, top: `${(at[1] + 0.5) * ROW_PX - BOX_H / 2}px` });
      return node;
    });
    const board = element("div");
    Object.assign(board.style, { position: "relative", width: `${width}px`, height: `${height}px` });
    board.append(svg, ...labels, ...boxes);
    return board;
  }

  /**
   * @param {Edge} edge
   * @param {number} unit
   * @param {number} x1
   * @param {number} y1
   * @param {number} x2
   * @param {number} y2
   */
  slope(edge, unit, x1, y1, x2, y2) {
    const label = element("span", "rgl-micro-slope", `× ${digits(local(edge, unit, unit))}`);
    Object.assign(label.style, { left: `${(x1 + x2) / 2}px`, top: `${(y1 + y2) / 2}px` });
    return label;
  }

  /**
   * @param {Net} net
   * @param {Value} value
   * @param {number} unit
   */
  arithmetic(net, value, unit) {
    const name = called(net.cell, value, unit);
    const nodes = [element("h3", "", `${name} at t = ${value.t}`)];
    const line = (/** @type {string} */ head, /** @type {string} */ text) => {
      const node = element("p");
      node.append(element("strong", "", head), element("span", "rgl-micro-formula", text));
      nodes.push(/** @type {any} */ (node));
    };
    line("Forward", `${name} = ${formula(value, unit)}`);
    if (value.name === "loss" || value.t < this.back) return nodes;
    line("Back", `∂L/∂${name} = ${digits(value.grad[unit])}, the sum of`);
    const table = element("table");
    const head = table.createTHead().insertRow();
    for (const text of ["what it changes", "∂L/∂ that", "× by how much", "= product"])
      head.append(element("th", "", text));
    const body = table.createTBody();
    for (const { use, unit: at, arriving, local: slope } of arrivals(value, unit)) {
      const row = body.insertRow();
      const where = use.t === value.t ? "" : ` at t = ${use.t}`;
      const go = button(called(net.cell, use, at) + where, "Go there", () =>
        this.choose({ name: use.name, t: use.t, unit: at }),
      );
      row.insertCell().append(go);
      for (const number of [arriving, slope, arriving * slope]) row.insertCell().textContent = digits(number);
    }
    if (!body.rows.length) body.insertRow().insertCell().textContent = "nothing: the loss does not depend on it";
    nodes.push(/** @type {any} */ (table));
    const check = measured(net, { name: value.name, t: value.t, unit });
    line("Measured", `moved by 0.00001 up and down, it changes the loss ${digits(check)} times as much`);
    return nodes;
  }
}

/**
 * Put nodes into a parent; where it holds the same ones already, but for their numbers, those alone.
 * @param {HTMLElement} parent
 * @param {HTMLElement[]} nodes
 * @param {boolean} same whether they may be
 */
function renew(parent, nodes, same) {
  const fresh = element("div");
  fresh.append(...nodes);
  const [old, now] = [textsOf(parent), textsOf(fresh)];
  if (!same || old.length !== now.length) parent.replaceChildren(...fresh.childNodes);
  else for (const [place, { data }] of now.entries()) if (old[place].data !== data) old[place].data = data;
}

/** @param {Node} parent */
function textsOf(parent) {
  const walker = document.createTreeWalker(parent, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) found.push(/** @type {Text} */ (walker.currentNode));
  return found;
}
