// The network unrolled: a column for each timestep, every state with its gradient, and how states change states.

import { button, element } from "./dom.js";
import { MICRO_CELLS } from "./micro_cells.js";
import { liveAttribute, liveShare, liveText, Parts } from "./micro_live.js";
import { profile } from "./micro_net.js";
import { NumberField } from "./micro_number.js";
import { Ways } from "./micro_ways.js";
import { below, digits } from "./micro_words.js";

/** @import { OnScreen } from "./micro_live.js" */
/** @import { Net } from "./micro_net.js" */
/** @import { Tape, Value } from "./tape.js" */
/** @typedef {{ name: string, t: number, unit: number }} Place of one element of a value */
/**
 * What is shown: forward up to timestep `seen`, gradients back to timestep `back`; all: also what is not on the screen.
 * @typedef {{
 *   net: Net, tape: Tape, chosen: Place, seen: number, back: number, largest: number, norms: Record<string, number[]>,
 *   all: boolean,
 * }} Frame
 */

const DECADES = 4; // of gradients that differ in colour

export class Unrolled {
  shape = "";
  ways = new Ways();

  /**
   * @param {(place: Place) => void} choose
   * @param {() => void} changed after a number of the net was changed
   * @param {OnScreen} screen
   */
  constructor(choose, changed, screen) {
    /** @type {Parts<Frame>} what each number of the picture shows */ this.parts = new Parts(screen);
    this.choose = choose;
    this.changed = changed;
    this.root = element("div", "rgl-micro-unrolled");
    this.root.tabIndex = 0;
    this.root.setAttribute("role", "region");
    this.root.setAttribute("aria-label", "the network, unrolled over its timesteps");
    this.grid = element("div", "rgl-micro-grid");
    this.root.append(this.grid);
  }

  /** @param {Net} net */
  build(net) {
    const T = net.inputs.length;
    const { states } = MICRO_CELLS[net.cell];
    this.parts.clear();
    this.grid.replaceChildren();
    this.grid.style.setProperty("--steps", String(T));
    let line = 0;
    let side = this.grid;
    /** @type {(part: (frame: Frame) => void) => void} */
    const live = (part) => this.parts.add(side, part);
    const row = (
      /** @type {string} */ name,
      /** @type {string} */ title,
      /** @type {(t: number) => HTMLElement} */ make,
    ) => {
      side = element("div", "rgl-micro-side", name);
      side.title = title;
      line += 1;
      this.put(side, line, 1);
      for (let t = 1; t <= T; t++) this.put(make(t), line, t + 1);
    };
    const answers = (/** @type {number} */ t) => net.every || t === T;
    const none = () => element("div", "rgl-micro-cell");
    row("wanted", "what the answer should be", (t) => (answers(t) ? this.field(live, "wanted", "targets", t) : none()));
    row("answer", "y, computed from h", (t) => (answers(t) ? this.box(live, "y", t, 0, "y") : none()));
    for (const name of states.toReversed()) {
      for (let unit = 0; unit < net.hidden; unit++) {
        const says = name + below(unit);
        row(says, name === "c" ? "cell state" : "hidden state", (t) => this.box(live, name, t, unit, says));
      }
    }
    row("input", "x", (t) => this.field(live, "input", "inputs", t));
    this.grid.append(this.ways.root);
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
   * @param {(part: (frame: Frame) => void) => void} live
   * @param {string} says
   * @param {"inputs" | "targets"} list
   * @param {number} t
   */
  field(live, says, list, t) {
    /** @type {number[]} */ let numbers = [];
    const field = new NumberField(`${says} at t = ${t}`, (value) => {
      numbers[0] = value;
      this.changed();
    });
    live(({ net }) => {
      numbers = net[list][t - 1];
      field.show(numbers[0]);
    });
    const cell = element("div", "rgl-micro-cell");
    cell.append(field.input);
    return cell;
  }

  /**
   * @param {(part: (frame: Frame) => void) => void} live
   * @param {string} name
   * @param {number} t
   * @param {number} unit
   * @param {string} says
   */
  box(live, name, t, unit, says) {
    const node = button("", `${says} at t = ${t}: open its arithmetic`, () => this.choose({ name, t, unit }));
    node.className = "rgl-micro-box";
    const [above, under] = [element("span"), element("span")];
    node.append(above, under);
    const [value, grad] = [liveText(above), liveText(under)];
    const [much, steep] = [liveShare(above), liveShare(under)];
    const [sign, label, pressed] = [
      liveAttribute(above, "data-sign"),
      liveAttribute(node, "aria-label"),
      liveAttribute(node, "aria-pressed"),
    ];
    live(({ tape, chosen, seen, back, largest }) => {
      const found = /** @type {Value} */ (tape.find(name, t));
      const [number, slope] = [found.data[unit], found.grad[unit]];
      const [first, second] = [t <= seen ? digits(number) : "", t >= back ? digits(slope) : ""];
      value(first);
      grad(second);
      much(first ? Math.min(1, Math.abs(number)) : 0);
      steep(second ? shade(slope, largest) : 0);
      sign(number < 0 ? "minus" : "plus");
      label(`${says} at t = ${t}: ${first || "not yet"}; gradient ${second || "not yet"}`);
      pressed(String(chosen.name === name && chosen.t === t && chosen.unit === unit));
    });
    const cell = element("div", "rgl-micro-cell rgl-micro-state");
    cell.append(node);
    return cell;
  }

  /**
   * @param {Net} net
   * @param {Tape} tape
   * @param {Place} chosen
   * @param {number} seen
   * @param {number} back
   * @param {boolean} all
   * @returns {Frame}
   */
  show(net, tape, chosen, seen, back, all) {
    const shape = `${net.cell} ${net.hidden} ${net.inputs.length} ${net.every}`;
    if (shape !== this.shape) this.build(net);
    this.shape = shape;
    const { states } = MICRO_CELLS[net.cell];
    const norms = Object.fromEntries(states.map((name) => [name, profile(tape, net.inputs.length, name)]));
    const slopes = tape.values.filter(({ name }) => states.includes(name)).flatMap(({ grad }) => [...grad]);
    const frame = { net, tape, chosen, seen, back, largest: Math.max(...slopes.map(Math.abs)), norms, all };
    this.parts.show(frame, all);
    this.ways.show(net, tape, seen);
    return frame;
  }
}

/**
 * How dark a gradient is drawn: 1 for the largest, 0 for one that is DECADES smaller, by its logarithm.
 * @param {number} value
 * @param {number} largest
 */
export function shade(value, largest) {
  if (!(Math.abs(value) > 0) || !(largest > 0)) return 0;
  return Math.min(1, Math.max(0.04, 1 + Math.log10(Math.abs(value) / largest) / DECADES));
}
