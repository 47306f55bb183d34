// The microscope: a network that is small enough to read, with every number of its way forward and back.

import { element, setText } from "./dom.js";
import { MICRO_CELLS } from "./micro_cells.js";
import { Choices, Steering } from "./micro_controls.js";
import { Inside } from "./micro_inside.js";
import { compute, descend, gradNorm, profile } from "./micro_net.js";
import { numbers, STARTS, sized, started } from "./micro_starts.js";
import { Unrolled } from "./micro_unrolled.js";
import { Weights } from "./micro_weights.js";
import { story } from "./micro_words.js";

/** @import { Net } from "./micro_net.js" */
/** @import { Place } from "./micro_unrolled.js" */

const PACE_MS = 600; // a timestep, while it plays
const FIRST = { name: "h", t: 2, unit: 0 };

/** @type {WeakMap<Element, Microscope>} */
const mounted = new WeakMap();

/**
 * Called by Streamlit's component loader. Returns a clean-up function.
 * @param {HTMLElement} parentElement
 * @param {{ start: string }} data start: a key of STARTS
 */
export function mount(parentElement, { start }) {
  const own = mounted.get(parentElement) ?? new Microscope(parentElement, start);
  mounted.set(parentElement, own);
  return () => {
    own.pause();
    own.root.remove();
    mounted.delete(parentElement);
  };
}

class Microscope {
  /** @type {Net} */ net;
  /** @type {Place} */ chosen = FIRST;
  moment = 0; // 0 to T: forward up to there; T + 1 to 2T: back as far
  seed = 1;
  timer = 0;
  frame = 0;

  /**
   * @param {HTMLElement} parentElement
   * @param {string} start
   */
  constructor(parentElement, start) {
    this.choices = new Choices(
      (key) => key && this.begin(started(STARTS[key])),
      () => this.draw(),
      () => this.draw(1),
      () => this.read(),
    );
    this.steering = new Steering(
      (by) => this.go(this.moment + by),
      () => (this.timer ? this.go(this.moment) : this.play()),
      () => this.train(),
    );
    this.unrolled = new Unrolled(
      (place) => this.choose(place),
      () => this.soon(),
    );
    this.inside = new Inside((place) => this.choose(place));
    this.weights = new Weights(
      (matrix, place, value) => {
        this.net.weights[matrix].data[place] = value;
        this.soon();
      },
      () => this.soon(),
    );
    this.says = element("p", "rgl-micro-says");
    this.root = element("div", "rgl-board rgl-micro");
    const lower = element("div", "rgl-micro-lower");
    lower.append(this.inside.root, this.inside.sum, this.weights.root);
    const { root: moments, training } = this.steering;
    moments.prepend(this.choices.first);
    this.root.append(moments, this.says, this.unrolled.root, legend(), training, this.choices.root, lower);
    parentElement.append(this.root);
    const key = Object.hasOwn(STARTS, start) ? start : "vanishing";
    this.choices.start.value = key;
    this.net = started(STARTS[key]);
    this.begin(this.net);
  }

  get steps() {
    return this.net.inputs.length;
  }

  /**
   * Another network of the chosen kind and size; inputs and wanted answers stay where there were some.
   * @param {number} by on which draw of its weights
   */
  draw(by = 0) {
    this.seed += by;
    const { cell, activation, units, steps, start } = this.choices;
    start.value = "";
    const { inputs, targets, every } = this.net;
    const places = Array.from({ length: Number(steps.value) }, (_, place) => place);
    const [x, wanted] = [
      places.map((place) => inputs[place] ?? [0]),
      places.map((place) => targets[place] ?? targets[targets.length - 1].slice()),
    ];
    this.begin(sized(cell.value, Number(units.value), activation.value, every, x, wanted, numbers(this.seed)));
  }

  read() {
    this.net.every = Boolean(this.choices.reads.value);
    this.begin(this.net);
  }

  /** @param {Net} net */
  begin(net) {
    this.net = net;
    this.chosen = FIRST;
    this.go(2 * this.steps);
  }

  /** @param {Place} place */
  choose(place) {
    this.chosen = place;
    this.show();
  }

  /** @param {number} moment */
  go(moment) {
    this.pause();
    this.moment = Math.min(Math.max(moment, 0), 2 * this.steps);
    this.show();
  }

  play() {
    if (this.moment >= 2 * this.steps) this.moment = 0;
    const tick = () => {
      this.moment += 1;
      const t = this.moment <= this.steps ? this.moment : 2 * this.steps - this.moment + 1;
      this.chosen = { ...this.chosen, name: "h", t };
      if (this.moment >= 2 * this.steps) this.pause();
      this.show();
    };
    this.timer = window.setInterval(tick, PACE_MS);
    tick();
  }

  pause() {
    clearInterval(this.timer);
    this.timer = 0;
  }

  train() {
    compute(this.net);
    descend(this.net, this.steering.rate, this.steering.bound);
    this.go(2 * this.steps);
  }

  /** Show what was changed, once a frame. */
  soon() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.show());
  }

  show() {
    const { net, moment, steps } = this;
    const tape = compute(net);
    const [seen, back] = [Math.min(moment, steps), Math.min(steps, 2 * steps - moment) + 1];
    const over = moment >= 2 * steps;
    if (!tape.find(this.chosen.name, this.chosen.t)) this.chosen = FIRST;
    this.choices.show(net);
    this.steering.show(moment, steps, tape.total(), gradNorm(net), this.timer !== 0);
    const stories = MICRO_CELLS[net.cell].states.map((name) => story(name, profile(tape, steps, name)));
    setText(this.says, over ? stories.join(" ") : "\u00a0");
    this.unrolled.show(net, tape, this.chosen, seen, back);
    this.inside.show(net, tape, this.chosen, back);
    this.weights.show(net, tape, over);
  }
}

function legend() {
  const node = element("p", "rgl-micro-legend");
  const kinds = {
    plus: "above 0, ",
    minus: "below 0, ",
    grad: "the gradient ∂L/∂(the number above it), stronger in colour where it is larger. ",
  };
  for (const [kind, text] of Object.entries(kinds)) {
    const swatch = element("i");
    swatch.dataset.kind = kind;
    node.append(swatch, text);
  }
  node.append("Lines: how much a state changes the next one; thick is much.");
  return node;
}
