// A slider on a logarithmic scale that changes a setting while training, and shows what is in force.

import { element, number } from "./dom.js";

/** @import { LiveRun } from "./types.d.ts" */

const DECADES = 2; // it reaches this many decades down and up
const REST_MS = 120; // so long the reader's hand must rest before a value is sent

/** A setting that can be changed, and what a run was started with. */
/** @typedef {"learning_rate" | "clip_threshold"} Setting */
/** @type {Record<Setting, (run: Pick<LiveRun, "learning_rate" | "threshold">) => number | null>} */
const STARTED_WITH = {
  learning_rate: (run) => run.learning_rate,
  clip_threshold: (run) => run.threshold,
};

/**
 * The value that a run was started with, and the one that is in force now; null where no run has the setting.
 * @param {Pick<LiveRun, "learning_rate" | "threshold" | "series">[]} runs
 * @param {Setting} name
 */
export function valuesOf(runs, name) {
  for (const run of runs) {
    const started = STARTED_WITH[name](run);
    if (!started || !(started > 0)) continue;
    const changed = run.series.events.findLast(([, changedName]) => changedName === name)?.[2];
    return { started, inForce: changed ?? started };
  }
  return null;
}

/** The value that the slider shows: the reader's own until the run answers with one, and the one in force. */
export class Asked {
  /** @type {{ value: number, before: number } | null} */ own = null;
  inForce = NaN;

  /** @param {number} value that the reader asks for */
  ask(value) {
    this.own = { value, before: this.inForce };
  }

  /** What was asked for will not be. */
  refuse() {
    this.own = null;
  }

  /** @param {number} inForce */
  shown(inForce) {
    this.inForce = inForce;
    if (this.own && this.own.before !== inForce) this.own = null;
    return this.own?.value ?? inForce;
  }
}

export class Slider {
  asked = new Asked();
  started = 0;
  timer = 0;

  /**
   * @param {string} words
   * @param {Setting} name
   * @param {(command: string, body: Record<string, number>) => Promise<boolean>} send
   */
  constructor(words, name, send) {
    this.name = name;
    this.send = send;
    this.root = element("label", "rgl-field rgl-slider", `${words} `);
    this.input = element("input");
    this.output = element("output");
    Object.assign(this.input, { type: "range", step: "0.01" });
    this.input.title = `${words}, from the next step on`;
    this.input.oninput = () => this.change();
    this.root.append(this.input, this.output);
  }

  change() {
    const value = Number((10 ** Number(this.input.value)).toPrecision(3));
    this.asked.ask(value);
    this.output.textContent = number(value);
    clearTimeout(this.timer);
    this.timer = window.setTimeout(async () => {
      if (!(await this.send("settings", { [this.name]: value }))) this.asked.refuse();
    }, REST_MS);
  }

  /**
   * Show what is in force in these runs.
   * @param {LiveRun[]} runs
   */
  show(runs) {
    const values = valuesOf(runs, this.name);
    this.root.hidden = !values;
    if (!values) return;
    if (values.started !== this.started) {
      this.started = values.started;
      const middle = Math.log10(values.started);
      Object.assign(this.input, { min: String(middle - DECADES), max: String(middle + DECADES) });
    }
    const shown = this.asked.shown(values.inForce);
    if (this.asked.own) return; // as the reader's hand has left it
    this.input.value = String(Math.log10(shown));
    const text = number(shown);
    if (this.output.textContent !== text) this.output.textContent = text;
  }
}
