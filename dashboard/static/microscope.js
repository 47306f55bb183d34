// The microscope: a network that is small enough to read, with every number of its way forward and back.

import { element } from "./dom.js";
import { Choices, legend, Steering } from "./micro_controls.js";
import { Inside } from "./micro_inside.js";
import { liveText, OnScreen } from "./micro_live.js";
import { compute, descend, gradNorm } from "./micro_net.js";
import { Profile } from "./micro_profile.js";
import { firstOf, name, numbers, STARTS, sized, started } from "./micro_starts.js";
import { Sum } from "./micro_sum.js";
import { Unrolled } from "./micro_unrolled.js";
import { Weights } from "./micro_weights.js";
import { inShort, passing, story } from "./micro_words.js";

/** @import { Net } from "./micro_net.js" */
/** @import { Place } from "./micro_unrolled.js" */
/** @import { Value } from "./tape.js" */

const PACE_MS = 900; // a timestep, while it plays
const REST_MS = 150; // after the last change: then also what is not on the screen is shown
const FIRST = { name: "h", t: 2, unit: 0 };
const OWN = ""; // in place of a key of STARTS

/** @type {WeakMap<Element, Microscope>} */
const mounted = new WeakMap();

/**
 * Called by Streamlit's component loader. Returns a clean-up function.
 * @param {HTMLElement} parentElement
 * @param {{ start: string, cell: string }} data start: a key of STARTS; cell: which it is to have without one
 */
export function mount(parentElement, { start, cell }) {
  const own = mounted.get(parentElement) ?? new Microscope(parentElement, firstOf(start, cell));
  mounted.set(parentElement, own);
  return () => {
    own.end();
    mounted.delete(parentElement);
  };
}

class Microscope {
  /** @type {Net} */ net;
  /** @type {() => Net} the same as it was at the start */ make;
  /** @type {Place} */ chosen = FIRST;
  moment = 0; // 0 to T: forward up to there; T + 1 to 2T: back as far
  seed = 1;
  timer = 0;
  frame = 0;
  rest = 0;

  /**
   * @param {HTMLElement} parentElement
   * @param {string} key of STARTS
   */
  constructor(parentElement, key) {
    this.choices = new Choices(
      (key) => (key ? this.open(key) : name(OWN)),
      () => this.draw(),
      () => this.draw(1),
      () => this.read(),
      () => this.weights.lead(),
    );
    this.steering = new Steering(
      (by) => this.walk(by),
      () => (this.timer ? this.go(this.moment) : this.play()),
      () => this.train(),
      () => this.begin(this.make),
    );
    const screen = new OnScreen(() => this.soon());
    const choose = (/** @type {Place} */ place) => this.choose(place);
    this.unrolled = new Unrolled(choose, () => this.soon(), screen);
    this.profile = new Profile(screen);
    this.profile.follow(this.unrolled.root);
    this.inside = new Inside(choose, screen);
    this.sum = new Sum(choose, screen);
    this.weights = new Weights(
      (matrix, place, value) => {
        this.net.weights[matrix].data[place] = value;
        this.soon();
      },
      () => this.soon(),
      screen,
    );
    const says = element("p", "rgl-micro-says");
    const brief = element("p", "rgl-micro-brief");
    const head = element("div", "rgl-micro-head");
    head.setAttribute("role", "status");
    head.append(says, brief);
    this.says = liveText(says);
    this.brief = liveText(brief);
    this.root = element("div", "rgl-board rgl-micro");
    const { root: moments, training } = this.steering;
    moments.prepend(this.choices.first);
    moments.append(this.choices.root);
    this.weights.root.append(training);
    const [lower, detail] = [element("div", "rgl-micro-lower"), element("div", "rgl-micro-lower rgl-micro-detail")];
    detail.append(this.inside.root, this.sum.root);
    lower.append(this.weights.root, detail);
    const top = element("div", "rgl-micro-top");
    top.append(head, this.profile.root);
    this.root.append(moments, top, this.unrolled.root, legend(), lower);
    parentElement.append(this.root);
    this.choices.start.value = key;
    this.make = () => started(STARTS[key]);
    this.net = this.make();
    this.begin(this.make);
  }

  get steps() {
    return this.net.inputs.length;
  }

  /** @param {string} key of STARTS */
  open(key) {
    name(key);
    this.begin(() => started(STARTS[key]));
  }

  /**
   * Another network of the chosen kind and size; inputs and wanted answers stay where there were some.
   * @param {number} by on which draw of its weights
   */
  draw(by = 0) {
    this.seed += by;
    const { cell, activation, units, steps, start } = this.choices;
    start.value = OWN;
    name(OWN);
    const { inputs, targets, every } = this.net;
    const places = Array.from({ length: Number(steps.value) }, (_, place) => place);
    const x = places.map((place) => [...(inputs[place] ?? [0])]);
    const wanted = places.map((place) => [...(targets[place] ?? targets[targets.length - 1])]);
    const [kind, hidden, nonlinearity, seed] = [cell.value, Number(units.value), activation.value, this.seed];
    this.begin(() => sized(kind, hidden, nonlinearity, every, copied(x), copied(wanted), numbers(seed)));
  }

  /** Another choice of the answers that count. */
  read() {
    const { make } = this;
    const every = Boolean(this.choices.reads.value);
    this.make = () => ({ ...make(), every });
    this.net.every = every;
    this.go(2 * this.steps);
  }

  /** @param {() => Net} make */
  begin(make) {
    this.make = make;
    this.net = make();
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

  /**
   * Some moments on or back, to what is computed there.
   * @param {number} by
   */
  walk(by) {
    this.pause();
    this.move(by);
    this.show();
  }

  /** @param {number} by */
  move(by) {
    const { steps } = this;
    this.moment = Math.min(Math.max(this.moment + by, 0), 2 * steps);
    const t = this.moment <= steps ? Math.max(1, this.moment) : 2 * steps - this.moment + 1;
    this.chosen = { ...this.chosen, name: "h", t };
  }

  play() {
    if (this.moment >= 2 * this.steps) this.moment = 0;
    const tick = () => {
      this.move(1);
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

  end() {
    this.pause();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.rest);
    this.root.remove();
  }

  train() {
    compute(this.net);
    descend(this.net, this.steering.rate, this.steering.bound);
    this.go(2 * this.steps);
  }

  /** Show what was changed, once a frame: what is on the screen at once, all else when no more comes. */
  soon() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.rest);
    this.frame = requestAnimationFrame(() => this.show(false));
    this.rest = window.setTimeout(() => this.show(), REST_MS);
  }

  show(all = true) {
    const { net, moment, steps } = this;
    const tape = compute(net);
    const [seen, back] = [Math.min(moment, steps), Math.min(steps, 2 * steps - moment) + 1];
    const over = moment >= 2 * steps;
    if (!tape.find(this.chosen.name, this.chosen.t)) this.chosen = FIRST;
    this.choices.show(net);
    this.steering.show(moment, steps, tape.total(), gradNorm(net), this.timer !== 0);
    const frame = this.unrolled.show(net, tape, this.chosen, seen, back, all);
    this.profile.show(frame);
    this.says(over ? story(frame.norms) : passing(moment, steps, net.every));
    const { name, t, unit } = this.chosen;
    const value = /** @type {Value} */ (tape.find(name, t));
    this.brief(inShort(net.cell, value, unit, t <= seen, t >= back));
    this.inside.show(frame);
    this.sum.show(frame);
    this.weights.show(net, tape, over, all);
  }
}

/** @param {number[][]} rows */
const copied = (rows) => rows.map((row) => [...row]);
