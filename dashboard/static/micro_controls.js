// What the microscope can be told: which network, how far it is shown, and to train.

import { button, element, setText } from "./dom.js";
import { MICRO_CELLS } from "./micro_cells.js";
import { MOST_STEPS, MOST_UNITS } from "./micro_net.js";
import { NumberField } from "./micro_number.js";
import { STARTS } from "./micro_starts.js";
import { digits } from "./micro_words.js";

/** @import { Net } from "./micro_net.js" */

/** Which network: one to start from, or a kind and a size. */
export class Choices {
  /**
   * @param {(key: string) => void} start
   * @param {() => void} draw after another kind or size was chosen
   * @param {() => void} anew
   * @param {() => void} read after the answers that count were chosen
   * @param {() => void} lead to the weights
   */
  constructor(start, draw, anew, read, lead) {
    const starts = Object.entries(STARTS).map(([key, { title }]) => option(title, key));
    this.start = select([...starts, option("a network of your own", "")], () => {
      start(this.start.value);
      if (!this.start.value) this.unfold();
    });
    this.cell = select(
      Object.entries(MICRO_CELLS).map(([key, { title }]) => option(title, key)),
      draw,
    );
    this.activation = select([option("tanh", "tanh"), option("ReLU", "relu")], draw);
    this.units = select(sizes(1, MOST_UNITS), draw);
    this.steps = select(sizes(2, MOST_STEPS), draw);
    this.reads = select([option("the last answer", ""), option("all answers", "every")], read);
    this.squashes = labelled("Activation", this.activation);
    this.first = labelled("Start from", this.start);
    const bar = element("div", "rgl-micro-bar");
    bar.append(
      labelled("Cell", this.cell),
      this.squashes,
      labelled("Units", this.units),
      labelled("Timesteps", this.steps),
      labelled("Loss of", this.reads),
      button("New random weights", "Draw all weights anew", anew),
    );
    this.root = element("details", "rgl-micro-other");
    const weights = button("Go to the weights", "Where each weight is set", lead);
    const words = element(
      "p",
      "rgl-micro-own",
      "Set the kind and the size here. Then type inputs and the wanted answer ",
    );
    words.append("in their rows of the picture, and weights below it, or drag them sideways. ", weights);
    this.root.append(element("summary", "", "Another cell or size"), bar, words);
  }

  /** Open where a kind and a size are chosen, and bring it into view. */
  unfold() {
    /** @type {HTMLDetailsElement} */ (this.root).open = true;
    this.root.scrollIntoView({ block: "nearest" });
    this.cell.focus({ preventScroll: true });
  }

  /** @param {Net} net */
  show(net) {
    this.cell.value = net.cell;
    this.activation.value = net.nonlinearity;
    this.squashes.hidden = net.cell !== "rnn";
    this.units.value = String(net.hidden);
    this.steps.value = String(net.inputs.length);
    this.reads.value = net.every ? "every" : "";
  }
}

/** How far the network is shown, and a step of training. */
export class Steering {
  rate = 0.1;
  threshold = 1;

  /**
   * @param {(by: number) => void} go moments on or back
   * @param {() => void} play or stop playing
   * @param {() => void} train
   * @param {() => void} reset
   */
  constructor(go, play, train, reset) {
    this.back = button("◀", "One moment back", () => go(-1));
    this.play = button("Play", "Forward one timestep at a time, then back from the loss", play);
    this.next = button("▶", "One moment on", () => go(1));
    this.at = element("span", "rgl-micro-at");
    this.norm = element("span", "rgl-micro-at");
    const descent = button("Train one step", "Gradient descent: each weight moves against its gradient", train);
    const rate = new NumberField("learning rate", (value) => {
      this.rate = value;
    });
    const clip = new NumberField("clip the gradient’s norm at", (value) => {
      this.threshold = value;
    });
    rate.show(this.rate);
    clip.show(this.threshold);
    this.clips = element("input");
    this.clips.type = "checkbox";
    this.root = element("div", "rgl-micro-bar");
    const fields = [labelled("learning rate", rate.input), labelled("clip the gradient’s norm at", this.clips)];
    this.training = element("div", "rgl-micro-bar");
    const again = button("Reset", "All numbers as they were at the start", reset);
    this.root.append(again, this.back, this.play, this.next, this.at);
    this.training.append(descent, ...fields, clip.input, this.norm);
  }

  /** The longest gradient that a step of training follows; Infinity: no clipping. */
  get bound() {
    return this.clips.checked && this.threshold > 0 ? this.threshold : Infinity;
  }

  /**
   * @param {number} moment 0 to T: forward up to there; T + 1 to 2T: back as far
   * @param {number} steps T
   * @param {number} loss
   * @param {number} norm of the gradient
   * @param {boolean} playing
   */
  show(moment, steps, loss, norm, playing) {
    const over = moment >= 2 * steps;
    setText(this.at, moment >= steps ? `loss ${digits(loss)}` : "");
    setText(this.norm, over ? `gradient’s norm ${digits(norm)}` : "");
    setText(this.play, playing ? "Stop playing" : "Play");
    this.back.disabled = moment <= 0;
    this.next.disabled = over;
  }
}

/** What colours and lines mean. */
export function legend() {
  const node = element("p", "rgl-micro-legend");
  const kinds = {
    plus: "above 0, ",
    minus: "below 0, ",
    grad: "the gradient ∂L/∂(the number above it), stronger in colour where it is larger, by its logarithm. ",
  };
  for (const [kind, text] of Object.entries(kinds)) {
    const swatch = element("i");
    swatch.dataset.kind = kind;
    node.append(swatch, text);
  }
  node.append(
    "Bars: linear, each row from 0 to its largest. Lines: how much a state changes the next one; thick is much.",
  );
  return node;
}

/**
 * @param {string} text
 * @param {string} key
 */
const option = (text, key) => new Option(text, key);

/**
 * @param {HTMLOptionElement[]} options
 * @param {() => void} changed
 */
function select(options, changed) {
  const node = element("select");
  node.append(...options);
  node.onchange = changed;
  return node;
}

/**
 * @param {string} title
 * @param {HTMLElement} field
 */
function labelled(title, field) {
  const label = element("label", "rgl-field", title);
  label.append(field);
  return label;
}

/**
 * @param {number} least
 * @param {number} most
 */
const sizes = (least, most) =>
  Array.from({ length: most - least + 1 }, (_, place) => option(String(least + place), String(least + place)));
