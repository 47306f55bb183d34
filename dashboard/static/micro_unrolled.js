// The network unrolled: a column for each timestep, every state with its gradient, and how states change states.

import { button, element, setText } from "./dom.js";
import { MICRO_CELLS } from "./micro_cells.js";
import { profile } from "./micro_net.js";
import { NumberField } from "./micro_number.js";
import { below, digits } from "./micro_words.js";

/** @import { Net } from "./micro_net.js" */
/** @import { Tape, Value } from "./tape.js" */
/** @typedef {{ name: string, t: number, unit: number }} Place of one element of a value */

const SVG = "http://www.w3.org/2000/svg";
const ROW_PX = 56;
const BOX = 0.62; // of a column's width
const DECADES = 4; // of gradients that differ in colour

export class Unrolled {
  /** @type {Map<string, { node: HTMLButtonElement, value: HTMLElement, grad: HTMLElement }>} */ boxes = new Map();
  /** @type {NumberField[]} */ inputs = [];
  /** @type {NumberField[]} */ targets = [];
  /** @type {{ name: string, t: number, bar: HTMLElement, norm: HTMLElement, factor: HTMLElement }[]} */ bars = [];
  /** @type {SVGLineElement[]} */ ways = []; // from state to state
  columns = 0;
  shape = "";

  /**
   * @param {(place: Place) => void} choose
   * @param {() => void} changed after a number of the net was changed
   */
  constructor(choose, changed) {
    this.choose = choose;
    this.changed = changed;
    this.root = element("div", "rgl-micro-unrolled");
    this.root.tabIndex = 0;
    this.root.setAttribute("role", "region");
    this.root.setAttribute("aria-label", "the network, unrolled over its timesteps");
    this.grid = element("div", "rgl-micro-grid");
    this.lines = document.createElementNS(SVG, "svg");
    this.lines.setAttribute("aria-hidden", "true");
    this.root.append(this.grid);
  }

  /** @param {Net} net */
  build(net) {
    const T = net.inputs.length;
    const { states } = MICRO_CELLS[net.cell];
    this.boxes.clear();
    this.grid.replaceChildren();
    this.grid.style.setProperty("--steps", String(T));
    let line = 0;
    const row = (/** @type {string} */ name, /** @type {string} */ title) => {
      const side = element("div", "rgl-micro-side", name);
      side.title = title;
      line += 1;
      this.put(side, line, 1);
    };
    const cells = (/** @type {(t: number) => HTMLElement} */ make) => {
      for (let t = 1; t <= T; t++) this.put(make(t), line, t + 1);
    };
    row("wanted", "what the answer should be");
    this.targets = [];
    cells((t) => {
      const field = new NumberField(`wanted at t = ${t}`, (value) => {
        net.targets[t - 1][0] = value;
        this.changed();
      });
      this.targets.push(field);
      const cell = element("div", "rgl-micro-cell");
      if (net.every || t === T) cell.append(field.input);
      return cell;
    });
    row("answer", "y, computed from h");
    cells((t) => (net.every || t === T ? this.box("y", t, 0, "y") : element("div", "rgl-micro-cell")));
    for (const name of states.toReversed()) {
      for (let unit = 0; unit < net.hidden; unit++) {
        row(name + below(unit), name === "c" ? "cell state" : "hidden state");
        cells((t) => this.box(name, t, unit, name + below(unit)));
      }
    }
    row("input", "x");
    this.inputs = [];
    cells((t) => {
      const field = new NumberField(`input at t = ${t}`, (value) => {
        net.inputs[t - 1][0] = value;
        this.changed();
      });
      this.inputs.push(field);
      const cell = element("div", "rgl-micro-cell");
      cell.append(field.input);
      return cell;
    });
    row("t", "timestep");
    cells((t) => element("div", "rgl-micro-cell rgl-micro-t", String(t)));
    this.bars = [];
    for (const name of states.toReversed()) {
      row(`‖∂L/∂${name}‖`, `norm of the gradient by all units of ${name}; its bar is logarithmic`);
      cells((t) => this.bar(name, t));
    }
    this.grid.append(this.lines);
  }

  /**
   * @param {HTMLElement} node
   * @param {number} row
   * @param {number} column
   */
  put(node, row, column) {
    node.style.gridArea = `${row} / ${column}`;
    this.grid.append(node);
  }

  /**
   * @param {string} name
   * @param {number} t
   */
  bar(name, t) {
    const cell = element("div", "rgl-micro-cell rgl-micro-norm");
    const [bar, norm, factor] = [element("i"), element("span"), element("small")];
    cell.append(bar, norm, factor);
    this.bars.push({ name, t, bar, norm, factor });
    return cell;
  }

  /**
   * @param {string} name
   * @param {number} t
   * @param {number} unit
   * @param {string} says
   */
  box(name, t, unit, says) {
    const node = button("", `${says} at t = ${t}: open its arithmetic`, () => this.choose({ name, t, unit }));
    node.className = "rgl-micro-box";
    const [value, grad] = [element("span"), element("span")];
    node.append(value, grad);
    this.boxes.set(`${name} ${t} ${unit}`, { node, value, grad });
    const cell = element("div", "rgl-micro-cell rgl-micro-state");
    cell.append(node);
    return cell;
  }

  /**
   * Show the numbers: forward up to timestep `seen`, gradients back to timestep `back`.
   * @param {Net} net
   * @param {Tape} tape
   * @param {Place} chosen
   * @param {number} seen
   * @param {number} back
   */
  show(net, tape, chosen, seen, back) {
    const shape = `${net.cell} ${net.hidden} ${net.inputs.length} ${net.every}`;
    if (shape !== this.shape) this.build(net);
    this.shape = shape;
    for (const [place, field] of this.inputs.entries()) field.show(net.inputs[place][0]);
    for (const [place, field] of this.targets.entries()) field.show(net.targets[place][0]);
    const T = net.inputs.length;
    const largest = Math.max(
      ...tape.values.filter(({ name }) => name === "h" || name === "c").flatMap(({ grad }) => [...grad].map(Math.abs)),
    );
    for (const [key, { node, value, grad }] of this.boxes) {
      const [name, t, unit] = key.split(" ");
      const found = /** @type {Value} */ (tape.find(name, Number(t)));
      const [number, slope] = [found.data[Number(unit)], found.grad[Number(unit)]];
      const [known, arrived] = [Number(t) <= seen, Number(t) >= back];
      setText(value, known ? digits(number) : "");
      setText(grad, arrived ? digits(slope) : "");
      value.style.setProperty("--much", known ? String(Math.min(1, Math.abs(number))) : "0");
      value.dataset.sign = number < 0 ? "minus" : "plus";
      grad.style.setProperty("--much", arrived ? String(shade(slope, largest)) : "0");
      node.setAttribute(
        "aria-label",
        `${name}${below(Number(unit))} at t = ${t}: ${value.textContent || "not yet"}; gradient ${grad.textContent || "not yet"}`,
      );
      node.setAttribute(
        "aria-pressed",
        String(chosen.name === name && chosen.t === Number(t) && chosen.unit === Number(unit)),
      );
    }
    for (const { name, t, bar, norm, factor } of this.bars) {
      const norms = profile(tape, T, name);
      const [own, after] = [norms[t - 1], norms[t]];
      const arrived = t >= back;
      setText(norm, arrived ? digits(own) : "");
      setText(factor, arrived && after > 0 ? `× ${digits(own / after)}` : "");
      factor.title = after > 0 ? `that of t = ${t + 1} times ${digits(own / after)}` : "";
      bar.style.setProperty("--much", arrived ? String(shade(own, Math.max(...norms))) : "0");
    }
    this.draw(net, tape, seen);
  }

  /**
   * How each state changes the next one: thick where it does so much, of another colour where it turns the sign.
   * @param {Net} net
   * @param {Tape} tape
   * @param {number} seen
   */
  draw(net, tape, seen) {
    const { states } = MICRO_CELLS[net.cell];
    const T = net.inputs.length;
    const [H, width] = [net.hidden, 1000 / T];
    this.lines.setAttribute("viewBox", `0 0 1000 ${states.length * H * ROW_PX}`);
    this.lines.setAttribute("preserveAspectRatio", "none");
    this.lines.style.gridArea = `3 / 2 / span ${states.length * H} / -1`;
    const places = [];
    const slopes = [];
    for (let t = 2; t <= Math.min(T, seen); t++) {
      for (const [group, name] of states.toReversed().entries()) {
        const [of, by] = [tape.find(name, t), tape.find(name, t - 1)];
        if (!of || !by) continue;
        for (const [to, row] of tape.jacobian(of, by).entries()) {
          for (const [from, slope] of row.entries()) {
            const y = (/** @type {number} */ unit) => (group * H + unit + 0.5) * ROW_PX;
            const [x1, x2] = [(t - 1.5 + BOX / 2) * width, (t - 0.5 - BOX / 2) * width];
            places.push({ x1, x2, y1: y(from), y2: y(to) });
            slopes.push(slope);
          }
        }
      }
    }
    if (places.length !== this.ways.length || T !== this.columns) {
      this.ways = places.map((place) => {
        const line = document.createElementNS(SVG, "line");
        for (const [key, at] of Object.entries(place)) line.setAttribute(key, String(at));
        return line;
      });
      this.lines.replaceChildren(...this.ways);
    }
    this.columns = T;
    for (const [place, line] of this.ways.entries()) {
      const width = `${Math.min(9, 6 * Math.abs(slopes[place])).toFixed(1)}px`;
      if (line.style.strokeWidth !== width) line.style.strokeWidth = width;
      line.dataset.sign = slopes[place] < 0 ? "minus" : "plus";
    }
  }
}

/**
 * How dark a gradient is drawn: 1 for the largest, 0 for one that is DECADES smaller, by its logarithm.
 * @param {number} value
 * @param {number} largest
 */
function shade(value, largest) {
  if (!(Math.abs(value) > 0) || !(largest > 0)) return 0;
  return Math.min(1, Math.max(0.04, 1 + Math.log10(Math.abs(value) / largest) / DECADES));
}
