// The timesteps and how large the gradient is at each, in bars over the columns of the unrolled network.

import { element } from "./dom.js";
import { MICRO_CELLS } from "./micro_cells.js";
import { liveShare, liveText, Parts } from "./micro_live.js";
import { digits } from "./micro_words.js";

/** @import { OnScreen } from "./micro_live.js" */
/** @import { Net } from "./micro_net.js" */
/** @import { Frame } from "./micro_unrolled.js" */

export class Profile {
  shape = "";

  /** @param {OnScreen} screen */
  constructor(screen) {
    /** @type {Parts<Frame>} */ this.parts = new Parts(screen);
    this.root = element("div", "rgl-micro-profile");
    this.grid = element("div", "rgl-micro-grid");
    this.root.append(this.grid);
  }

  /**
   * Stay over the columns of a picture that is scrolled sideways.
   * @param {HTMLElement} picture
   */
  follow(picture) {
    picture.addEventListener("scroll", () => {
      this.root.scrollLeft = picture.scrollLeft;
    });
  }

  /** @param {Net} net */
  build(net) {
    const T = net.inputs.length;
    this.parts.clear();
    this.grid.replaceChildren();
    this.grid.style.setProperty("--steps", String(T));
    for (const name of MICRO_CELLS[net.cell].states.toReversed()) {
      const side = element("div", "rgl-micro-side", `‖∂L/∂${name}‖`);
      side.title = `norm of the gradient by all units of ${name}; bars on a linear scale from 0 to the largest of this row`;
      side.append(element("small", "", "linear scale"));
      this.grid.append(side);
      for (let t = 1; t <= T; t++) this.grid.append(this.bar(side, name, t));
    }
    const side = element("div", "rgl-micro-side", "t");
    side.title = "timestep";
    this.grid.append(side);
    for (let t = 1; t <= T; t++) this.grid.append(element("div", "rgl-micro-cell rgl-micro-t", String(t)));
  }

  /**
   * @param {HTMLElement} side of its row
   * @param {string} name of a state
   * @param {number} t
   */
  bar(side, name, t) {
    const cell = element("div", "rgl-micro-cell rgl-micro-norm");
    const [bar, norm, factor] = [element("i"), element("span"), element("small")];
    factor.title = `the norm at t = ${t} is that at t = ${t + 1} times this`;
    cell.append(bar, norm, factor);
    const [share, own, ratio] = [liveShare(bar), liveText(norm), liveText(factor)];
    this.parts.add(side, ({ norms, back }) => {
      const [here, after] = [norms[name][t - 1], norms[name][t]];
      const arrived = t >= back;
      own(arrived ? digits(here) : "");
      ratio(arrived && after > 0 ? `× ${digits(here / after)}` : "");
      share(arrived ? height(here, norms[name]) : 0);
    });
    return cell;
  }

  /** @param {Frame} frame */
  show(frame) {
    const shape = `${frame.net.cell} ${frame.net.inputs.length}`;
    if (shape !== this.shape) this.build(frame.net);
    this.shape = shape;
    this.parts.show(frame, frame.all);
  }
}

/**
 * How high the bar of a norm is, 0 to 1: half the norm is half as high. What is no number counts as infinite.
 * @param {number} norm
 * @param {readonly number[]} all norms of its row
 */
export function height(norm, all) {
  if (!Number.isFinite(norm)) return 1;
  const largest = Math.max(...all);
  return norm > 0 && Number.isFinite(largest) ? norm / largest : 0;
}
