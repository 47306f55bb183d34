// The arithmetic of one number: how it was computed, the products whose sum is its gradient, and the gradient measured.

import { button, element } from "./dom.js";
import { liveText, Parts } from "./micro_live.js";
import { measured } from "./micro_net.js";
import { called, digits, formula } from "./micro_words.js";
import { arrivals } from "./tape.js";

/** @import { OnScreen } from "./micro_live.js" */
/** @import { Frame, Place } from "./micro_unrolled.js" */
/** @import { Arrival, Value } from "./tape.js" */

export class Sum {
  shape = "";

  /**
   * @param {(place: Place) => void} choose
   * @param {OnScreen} screen
   */
  constructor(choose, screen) {
    /** @type {Parts<{ frame: Frame, value: Value }>} what each text shows */ this.parts = new Parts(screen);
    this.choose = choose;
    this.root = element("section", "rgl-micro-sum");
  }

  /** @param {Frame} frame */
  show(frame) {
    const { net, tape, chosen, seen, back } = frame;
    const value = /** @type {Value} */ (tape.find(chosen.name, chosen.t));
    const [known, arrived] = [chosen.t <= seen, chosen.t >= back && chosen.name !== "loss"];
    const shape = JSON.stringify([net.cell, net.hidden, net.inputs.length, net.every, chosen, known, arrived]);
    if (shape !== this.shape) this.build(frame, value, known, arrived);
    this.shape = shape;
    this.parts.show({ frame, value }, frame.all);
  }

  /**
   * @param {Frame} frame
   * @param {Value} value
   * @param {boolean} known whether the way forward has come here
   * @param {boolean} arrived whether the way back has
   */
  build({ net: { cell }, chosen: { unit } }, value, known, arrived) {
    const focused = this.root.contains(document.activeElement);
    this.parts.clear();
    const name = called(cell, value, unit);
    const heading = element("h3", "", `${name} at t = ${value.t}`);
    heading.tabIndex = -1;
    this.root.replaceChildren(heading);
    if (!known) this.line("Forward", () => "not computed yet");
    else this.line("Forward", (_, now) => `${name} = ${formula(now, unit)}`);
    if (arrived) {
      this.line("Back", (_, now) => `∂L/∂${name} = ${digits(now.grad[unit])}, the sum of`);
      this.root.append(this.table(cell, value, unit));
      this.line("Measured", ({ net }, { t, name: which }) => {
        const slope = measured(net, { name: which, t, unit });
        return `moved by 0.00001 up and down, it changes the loss ${digits(slope)} times as much`;
      });
    }
    if (focused) heading.focus();
  }

  /**
   * @param {string} head
   * @param {(frame: Frame, value: Value) => string} says
   */
  line(head, says) {
    const node = element("p");
    const text = element("span", "rgl-micro-formula");
    node.append(element("strong", "", head), text);
    const write = liveText(text);
    this.parts.add(this.root, ({ frame, value }) => write(says(frame, value)));
    this.root.append(node);
  }

  /**
   * The products that arrive at one element, one a row.
   * @param {string} cell
   * @param {Value} value
   * @param {number} unit
   */
  table(cell, value, unit) {
    const table = element("table");
    const head = table.createTHead().insertRow();
    for (const text of ["what it changes", "∂L/∂ that", "× by how much", "= product"])
      head.append(element("th", "", text));
    const body = table.createTBody();
    /** @type {((arrival: Arrival) => void)[]} */
    const rows = arrivals(value, unit).map(({ use, unit: at }) => {
      const row = body.insertRow();
      const where = use.t === value.t ? "" : ` at t = ${use.t}`;
      const go = () => this.choose({ name: use.name, t: use.t, unit: at });
      row.insertCell().append(button(called(cell, use, at) + where, "Go there", go));
      const [arriving, local, product] = [0, 1, 2].map(() => liveText(row.insertCell().appendChild(element("span"))));
      return (arrival) => {
        arriving(digits(arrival.arriving));
        local(digits(arrival.local));
        product(digits(arrival.arriving * arrival.local));
      };
    });
    if (!rows.length) body.insertRow().insertCell().textContent = "nothing: the loss does not depend on it";
    this.parts.add(this.root, ({ value: now }) => {
      for (const [place, arrival] of arrivals(now, unit).entries()) rows[place](arrival);
    });
    return table;
  }
}
