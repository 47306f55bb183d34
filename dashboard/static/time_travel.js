// Time travel: the layer and the training step that are shown, and the figures that follow; for board and report alike.

import { element, setText } from "./dom.js";
import { marksOf } from "./marks.js";
import { Partings } from "./partings.js";
import { Plots } from "./plots.js";

/** @import { Drawing, Theme, View } from "./figures.d.ts" */
/** @import { Plotly } from "./plotly.d.ts" */
/** @import { Run } from "./types.d.ts" */
/**
 * empty: what stands in figures without a point. told: the step shown in words. travelled: the reader went to another
 * step, and its figures are drawn. shown: the timeline says which step is shown.
 * @typedef {{ empty: () => string, told: (step: number, last: number) => string, travelled?: () => void,
 *   shown?: () => void }} Hooks
 */

const TOPS = ""; // value of the choice that shows each run's own top layer

/**
 * The layers of runs to choose from, last the one that is shown at first: the top one, of runs of different depth that of
 * each. Of runs of which nothing is known yet there is none.
 * @param {number[]} depths how many layers each run has, 0 where that is not known yet
 */
export function layerChoices(depths) {
  const known = depths.filter(Boolean);
  const layers = Math.max(0, ...known);
  const choices = Array.from({ length: layers }, (_, layer) => ({ text: String(layer + 1), value: String(layer) }));
  return known.some((depth) => depth < layers) ? [...choices, { text: "top of each", value: TOPS }] : choices;
}

export class TimeTravel {
  /** @type {Run[]} */ runs = [];
  /** @type {Drawing | null} */ drawing = null;
  /** @type {Theme} */ theme = "light";
  /** @type {number | null} */ layer = null; // shown, from 0; null: each run's own top one
  /** @type {number | null} */ pinned = null; // step that the reader chose; null: the newest
  /** @type {number | null} */ hovered = null;
  partings = new Partings();
  resting = false; // whether the pointer has not moved since a step was chosen
  place = ""; // where the pointer was last
  matched = false;
  drawn = false; // whether the figures of these runs have been drawn
  drawnSnapshots = ""; // the steps of those that are drawn
  frame = 0; // the one that is asked for
  again = false; // whether the cursor has moved since

  /** @param {Hooks} hooks */
  constructor(hooks) {
    this.hooks = hooks;
    this.plots = new Plots({
      hover: (step) => this.hover(step),
      unhover: () => this.hover(null),
      pointed: (x, y) => this.pointed(x, y),
      click: (step) => this.pin(this.pinned === step ? null : step),
      moved: () => this.plots.moveCursor(this.cursor()),
      redraw: (name) => this.draw([name]),
      toggleRun: (index) => this.toggleRun(index),
    });
    this.scrubber = element("input", "rgl-scrubber");
    Object.assign(this.scrubber, { type: "range", min: "1", max: "1", step: "1", value: "1" });
    this.scrubber.setAttribute("aria-label", "training step shown");
    this.scrubber.oninput = () => this.pin(Number(this.scrubber.value));
    this.when = element("span", "rgl-when");
    this.timeline = element("div", "rgl-timeline");
    this.timeline.append(this.scrubber, this.when);
    this.layerSelect = element("select");
    this.layerSelect.onchange = () => {
      const { value } = this.layerSelect;
      this.chooseLayer(value === TOPS ? null : Number(value));
    };
    this.layerField = element("label", "rgl-field", "Layer ");
    this.layerField.append(this.layerSelect);
    this.layerField.hidden = true;
  }

  /**
   * Take up other runs.
   * @param {Run[]} runs
   * @param {boolean} matched whether they are of one seed, so that the step at which they part is worth a mark
   * @param {number | null} step to begin with
   */
  open(runs, matched, step) {
    const partings = new Partings();
    Object.assign(this, { runs, matched, pinned: step, hovered: null, layer: null, partings, drawn: false });
  }

  /**
   * Take up how they are drawn, and draw them.
   * @param {Plotly} Plotly
   * @param {Drawing} drawing
   * @param {Theme} theme
   * @param {string} revision as long as it stays the same, zoom does too
   */
  build(Plotly, drawing, theme, revision, projector = false) {
    Object.assign(this, { drawing, theme, drawn: false });
    this.plots.open(Plotly, drawing.figures[theme], drawing.about, revision, projector);
    this.plots.nameRuns(this.runs, drawing.palette[theme].runs);
  }

  lastStep() {
    return Math.max(0, ...this.runs.map((run) => run.series.last));
  }

  /** The step shown, null: the newest. */
  cursor() {
    return this.lastStep() ? (this.hovered ?? this.pinned) : null;
  }

  /**
   * Go to the step that the pointer rests on, unless the reader has chosen another one since it was moved.
   * @param {number | null} step
   */
  hover(step) {
    if (this.resting) return;
    this.hovered = step;
    this.travel();
  }

  /** @param {number | null} step */
  pin(step) {
    this.hovered = null;
    this.resting = true;
    this.pinned = step === null ? null : Math.min(Math.max(1, Math.round(step)), this.lastStep());
    this.travel();
  }

  /** @param {number | null} step that somebody else's board shows: it may not have come here yet */
  goTo(step) {
    Object.assign(this, { hovered: null, pinned: step });
    this.travel();
  }

  /**
   * The pointer is at a place on the screen. A figure redrawn beneath it tells of it as well: that is no move.
   * @param {number} x
   * @param {number} y
   */
  pointed(x, y) {
    const place = `${x},${y}`;
    if (place !== this.place) this.resting = false;
    this.place = place;
  }

  /** @param {number} index of a run that is hidden, or shown again */
  toggleRun(index) {
    this.runs[index].hidden = !this.runs[index].hidden;
    this.plots.markHidden(this.runs);
    this.draw();
  }

  /** @param {number | null} layer from 0; null: each run's own top one */
  chooseLayer(layer) {
    this.layer = layer;
    this.draw();
  }

  // Go to the cursor's step: at once, and then at most once a frame.
  travel() {
    if (this.frame) {
      this.again = true;
      return;
    }
    this.follow();
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (this.again) this.travel();
    });
  }

  // Show the cursor's step in everything that depends on it.
  async follow() {
    this.again = false;
    if (!this.plots.Plotly || !this.lastStep()) return;
    this.plots.moveCursor(this.cursor());
    this.showStep();
    await this.drawStep();
    this.hooks.travelled?.();
  }

  // Draw the figures of one step; those of snapshots only where there is another one to show.
  drawStep() {
    const others = this.snapshotSteps() !== this.drawnSnapshots;
    return this.draw(this.plots.names(({ steps, shows }) => !steps && (!shows || others)));
  }

  /**
   * Draw figures, all or those named.
   * @param {string[]} [names]
   */
  async draw(names) {
    if (!this.plots.Plotly || !this.drawing) return;
    this.offerLayers();
    this.drawn = true;
    if (!names || this.ofSnapshots().every((name) => names.includes(name))) this.drawnSnapshots = this.snapshotSteps();
    await this.plots.draw(this.runs, this.view(this.drawing), names);
    this.showStep();
  }

  /**
   * @param {Drawing} drawing
   * @returns {View}
   */
  view(drawing) {
    const { runs, partings } = this;
    if (this.matched) partings.update(runs);
    return {
      layer: this.layer,
      cursor: this.cursor(),
      palette: drawing.palette[this.theme],
      empty: this.hooks.empty(),
      marks: marksOf(runs, partings.marks(runs)),
      alike: this.matched ? partings.alike(runs) : [],
    };
  }

  // Names of the figures that show a part of a snapshot.
  ofSnapshots() {
    return this.plots.names((about) => about.shows);
  }

  // Of which steps the snapshots are that belong to the cursor.
  snapshotSteps() {
    return this.runs.map((run) => run.snapshots.at(this.cursor())?.step).join();
  }

  // Offer the layers that there are, and where runs have more of them than others, the top one of each.
  offerLayers() {
    const choices = layerChoices(this.runs.map((run) => run.series.layers));
    const layers = choices.filter(({ value }) => value !== TOPS).length;
    if (layers && this.layer !== null && this.layer >= layers) this.layer = null;
    this.layerField.hidden = layers < 2;
    if ([...this.layerSelect.options].map(({ value }) => value).join() !== choices.map(({ value }) => value).join()) {
      this.layerSelect.replaceChildren(...choices.map(({ text, value }) => new Option(text, value)));
    }
    this.layerSelect.value = this.layer === null ? (choices.at(-1)?.value ?? "") : String(this.layer);
  }

  showStep() {
    const last = this.lastStep();
    this.timeline.classList.toggle("rgl-idle", last < 2);
    this.scrubber.max = String(Math.max(last, 1));
    const shown = this.cursor() ?? last;
    if (document.activeElement !== this.scrubber || this.pinned === null) this.scrubber.value = String(shown);
    setText(this.when, this.hooks.told(shown, last));
    this.hooks.shown?.();
  }

  destroy() {
    cancelAnimationFrame(this.frame);
    this.plots.destroy();
  }
}
