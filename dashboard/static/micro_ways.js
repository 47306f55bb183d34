// The lines between the boxes of the unrolled network: how each state changes the next one.

import { MICRO_CELLS } from "./micro_cells.js";
import { changes, liveAttribute } from "./micro_live.js";

/** @import { Net } from "./micro_net.js" */
/** @import { Tape } from "./tape.js" */

const SVG = "http://www.w3.org/2000/svg";
const ROW_PX = 56;
const BOX = 0.62; // of a column's width
const [THICKEST_PX, A_PX] = [9, 6]; // of a line, and of one between numbers that change alike

export class Ways {
  /** @type {((slope: number) => void)[]} from state to state */ ways = [];
  columns = 0;

  constructor() {
    this.root = document.createElementNS(SVG, "svg");
    this.root.setAttribute("aria-hidden", "true");
  }

  /**
   * Thick where it does so much, of another colour where it turns the sign.
   * @param {Net} net
   * @param {Tape} tape
   * @param {number} seen
   */
  show(net, tape, seen) {
    const { states } = MICRO_CELLS[net.cell];
    const T = net.inputs.length;
    const [H, width] = [net.hidden, 1000 / T];
    this.root.setAttribute("viewBox", `0 0 1000 ${states.length * H * ROW_PX}`);
    this.root.setAttribute("preserveAspectRatio", "none");
    this.root.style.gridArea = `3 / 2 / span ${states.length * H} / -1`;
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
      const lines = places.map((place) => {
        const line = document.createElementNS(SVG, "line");
        for (const [key, at] of Object.entries(place)) line.setAttribute(key, String(at));
        return line;
      });
      this.ways = lines.map(way);
      this.root.replaceChildren(...lines);
    }
    this.columns = T;
    for (const [place, show] of this.ways.entries()) show(slopes[place]);
  }
}

/**
 * @param {SVGLineElement} line
 * @returns {(slope: number) => void}
 */
function way(line) {
  const thick = changes((/** @type {number} */ quarters) => {
    line.style.strokeWidth = `${quarters / 4}px`;
  });
  const sign = liveAttribute(line, "data-sign");
  return (slope) => {
    thick(Math.round(4 * Math.min(THICKEST_PX, A_PX * Math.abs(slope))));
    sign(slope < 0 ? "minus" : "plus");
  };
}
