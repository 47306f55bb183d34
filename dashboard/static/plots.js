// The figures on the page: cards filled with measured columns, joined by one cursor over the training steps.

import { Card } from "./card.js";
import { SingleClicks } from "./clicks.js";
import { element } from "./dom.js";
import { fill } from "./fills.js";
import { announce, legible, sparse } from "./layouts.js";
import { fingers } from "./phone.js";
import { frameOf, move } from "./quick.js";
import { lastAhead } from "./room.js";
import { RULES } from "./rules.js";

/** @import { About, Context, Spec, View } from "./figures.d.ts" */
/** @import { Plotly, Pointed, Trace } from "./plotly.d.ts" */
/** @import { Run, Show } from "./types.d.ts" */
/**
 * What is to be done when the reader points at a training step, or when axes have moved under the cursor's line.
 * pointed: the pointer has moved over the figures, to a place on the screen.
 * @typedef {{ hover: (step: number) => void, pointed: (x: number, y: number) => void, unhover: () => void, click: (step: number) => void, moved: () => void,
 *   redraw: (name: string) => void, toggleRun: (index: number) => void }} Hooks
 */

const CONFIG = {
  displaylogo: false,
  doubleClick: "autosize", // what plotly takes for the initial range is that of a figure without a point
  responsive: false,
  // Nothing leaves this machine, so nothing is shared through plotly's cloud; fewer buttons are fewer stops of the Tab key.
  modeBarButtonsToRemove: ["sendChartToCloud", "select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
  toImageButtonOptions: { format: "svg" },
};
const EARLIER = 0.04; // axes grow one after the other, each this share of them before the next one
const TURNS = 4;
const TASK_MS = 40; // figures are drawn at one go for as long as this

export class Plots {
  /** @type {Plotly | null} */ Plotly = null; // from `open` on
  /** @type {Record<string, Card>} */ cards = {};
  /** @type {object} */ config = CONFIG; // for plotly
  turn = 0; // number of the last call of `draw`
  asked = ""; // how the cards were arranged last
  fitting = 0;
  /** @type {string | null} */ led = null; // the figure that is large, before all others

  /** @param {Hooks} hooks */
  constructor(hooks) {
    this.hooks = hooks;
    this.root = element("div", "rgl-grid");
    this.clicks = new SingleClicks((step) => hooks.click(step));
    this.root.addEventListener("pointermove", (event) => hooks.pointed(event.clientX, event.clientY), true);
    this.onFullScreen = () => this.fit();
    document.addEventListener("fullscreenchange", this.onFullScreen);
    this.resize = new ResizeObserver(() => this.fit());
    this.resize.observe(this.root);
    /** @type {WeakMap<Element, Card>} */
    this.cardOf = new WeakMap();
    this.watch = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        const card = this.cardOf.get(target);
        if (!card) continue;
        card.visible = isIntersecting;
        if (isIntersecting && card.stale) this.hooks.redraw(card.name);
      }
    });
  }

  /**
   * Take up new specs; zoom and hidden traces last as long as `revision` stays the same.
   * @param {Plotly} Plotly
   * @param {Record<string, Spec>} figures
   * @param {Record<string, About>} about
   * @param {string} revision
   * @param {boolean} projector
   */
  open(Plotly, figures, about, revision, projector) {
    this.Plotly = Plotly;
    const touched = fingers();
    this.config = { ...CONFIG, displayModeBar: touched ? false : "hover" };
    const { fontFamily: family, fontSize } = getComputedStyle(this.root);
    for (const [name, spec] of Object.entries(figures)) {
      this.cards[name] ??= this.add(name, about[name]);
      const own = structuredClone(spec);
      own.layout.font.family = family;
      own.layout.uirevision = revision;
      if (touched) own.layout.dragmode = false;
      if (projector) legible(own, parseFloat(fontSize));
      this.cards[name].open(own, about[name]);
    }
  }

  /**
   * @param {string} name
   * @param {About} about
   */
  add(name, about) {
    const card = new Card(name, about, () => this.hooks.redraw(name), this.hooks.toggleRun);
    card.root.classList.toggle("rgl-led", name === this.led);
    this.root.append(card.root);
    this.cardOf.set(card.plot, card);
    this.watch.observe(card.plot);
    return card;
  }

  /**
   * Names of the figures for which something holds.
   * @param {(about: About) => unknown} test
   */
  names(test = () => true) {
    return Object.keys(this.cards).filter((name) => test(this.cards[name].about));
  }

  /**
   * Put the figures named in `first` before all others and switch on `options`, each "figure.option".
   * @param {Pick<Show, "first" | "options">} show
   */
  arrange({ first, options }) {
    const asked = JSON.stringify([first, options]);
    if (asked === this.asked) return;
    this.asked = asked;
    const order = new Set([...first, ...Object.keys(this.cards)]);
    this.root.append(...[...order].map((name) => this.cards[name].root));
    for (const path of options) {
      const [name, key] = path.split(".");
      this.cards[name].switchOn(key);
    }
  }

  /** @param {string | null} figure that is to be large, before all others; null: none */
  lead(figure) {
    if (figure === this.led) return;
    this.led = figure;
    this.root.classList.toggle("rgl-leading", figure !== null);
    for (const [name, card] of Object.entries(this.cards)) card.root.classList.toggle("rgl-led", name === figure);
    this.fit();
  }

  /**
   * @param {Run[]} runs
   * @param {string[]} colors
   */
  nameRuns(runs, colors) {
    for (const card of Object.values(this.cards)) card.nameRuns(runs, colors);
  }

  /** @param {Run[]} runs of which the reader has hidden some */
  markHidden(runs) {
    for (const card of Object.values(this.cards)) card.markHidden(runs);
  }

  /**
   * Draw figures, all or those named, from the runs.
   * @param {Run[]} runs
   * @param {View} view
   */
  async draw(runs, view, names = Object.keys(this.cards)) {
    const snapshots = runs.map((run) => run.snapshots.at(view.cursor));
    this.turn += 1;
    const { turn } = this;
    const cards = names.map((name) => this.cards[name]);
    for (const card of cards) card.root.hidden = !card.hasAny(snapshots);
    for (const card of cards) card.measure(); // before anything is drawn: later the browser would lay out the page for it
    let began = performance.now();
    for (const name of names) {
      if (performance.now() - began > TASK_MS) {
        await new Promise((resolve) => setTimeout(resolve)); // so that the page can answer its reader in between
        if (!this.root.isConnected) return;
        began = performance.now();
      }
      const card = this.cards[name];
      if (card.turn > turn) continue; // meanwhile it was drawn as it is now
      card.turn = turn;
      if (card.root.hidden) continue;
      // Drawn once it comes into view; without a size (the page is being rebuilt) plotly would draw NaN.
      card.stale = !card.width || (!card.visible && isDrawn(card));
      if (!card.stale) await this.drawCard(card, runs, view, snapshots);
    }
    this.moveCursor(view.cursor);
  }

  /**
   * @param {Card} card
   * @param {Run[]} runs
   * @param {View} view
   * @param {Context["snapshots"]} snapshots
   */
  async drawCard(card, runs, view, snapshots) {
    const layout = structuredClone(card.spec.layout);
    card.last = lastAhead(runs, card.last, EARLIER * (Object.keys(this.cards).indexOf(card.name) % TURNS));
    const context = {
      runs,
      view,
      snapshots,
      options: card.options,
      width: card.width,
      height: card.height,
      layout,
      last: card.last,
    };
    const traces = card.spec.data.map((trace) => ({ ...trace })); // what plotly finds again, it does not compare
    for (const trace of traces) fill(trace, context);
    // plotly spends as much on hidden ones
    const data = traces.filter((trace) => trace.visible !== false && !isOfHiddenRun(trace, runs));
    card.offerOptions(runs);
    card.captionStep(context);
    const empty = !runs.some((run) => run.series.last);
    for (const rule of card.about.rules) RULES[rule]({ card, context, data, layout, empty });
    sparse(layout, context.height);
    if (empty) announce(layout, view.empty);
    const frame = card.keepsAxes ? frameOf(data, layout, card.room) : null;
    if (frame === null || frame !== card.frameDrawn || !move(card.plot, data, layout)) {
      card.frameDrawn = null;
      const drawn = this.Plotly?.react(card.plot, data, layout, this.config);
      card.frameDrawn = frame;
      await drawn;
    }
    if (card.about.steps) this.listen(card);
  }

  /**
   * Of these figures those in view; the others are drawn once they come into view.
   * @param {string[]} names
   */
  inView(names) {
    return names.filter((name) => {
      const card = this.cards[name];
      card.stale ||= !card.visible;
      return card.visible && !card.root.hidden;
    });
  }

  /**
   * The cursor is a line of its own over the plots: moving it redraws nothing.
   * @param {number | null} step
   */
  moveCursor(step) {
    for (const card of Object.values(this.cards)) {
      if (!card.about.steps || !isDrawn(card)) continue;
      const plots = Object.values(card.plot._fullLayout?._plots ?? {}).filter((plot) => !plot.mainplot);
      for (const [index, { xaxis, yaxis }] of plots.entries()) {
        card.cursors[index] ??= card.frame.appendChild(element("div", "rgl-cursor"));
        const line = card.cursors[index];
        const at = step === null ? NaN : xaxis.l2p(step);
        const visible = at >= 0 && at <= xaxis._length;
        line.hidden = !visible;
        if (!visible) continue;
        line.style.transform = `translateX(${xaxis._offset + at}px)`;
        line.style.top = `${yaxis._offset}px`;
        line.style.height = `${yaxis._length}px`;
      }
    }
  }

  /** @param {Card} card */
  listen(card) {
    if (card.listening) return;
    card.listening = true;
    card.plot.on("plotly_hover", (event) => this.hooks.hover(stepOf(event)));
    card.plot.on("plotly_unhover", () => this.hooks.unhover());
    card.plot.on("plotly_click", (event) => this.clicks.click(stepOf(event), event.event.timeStamp));
    card.plot.on("plotly_relayout", () => this.hooks.moved());
  }

  fit() {
    const { Plotly } = this;
    if (!Plotly) return;
    cancelAnimationFrame(this.fitting);
    this.fitting = requestAnimationFrame(async () => {
      const drawn = Object.values(this.cards).filter((card) => isDrawn(card) && card.plot.offsetWidth);
      await Promise.all(drawn.map(({ plot }) => Plotly.Plots.resize(plot)));
      this.hooks.moved();
    });
  }

  destroy() {
    this.resize.disconnect();
    this.watch.disconnect();
    this.clicks.stop();
    document.removeEventListener("fullscreenchange", this.onFullScreen);
    for (const { plot } of Object.values(this.cards)) this.Plotly?.purge(plot);
  }
}

/**
 * Lines of runs that the reader has hidden; maps have a place of their own, where nothing lies on them.
 * @param {Trace} trace
 * @param {Run[]} runs
 */
const isOfHiddenRun = ({ type, meta }, runs) => type !== "heatmap" && meta?.run !== undefined && runs[meta.run]?.hidden;

/** @param {Card} card */
const isDrawn = (card) => card.plot._fullLayout !== undefined;

/**
 * The training step of a point: a column of a map stands at about its step.
 * @param {Pointed} event
 */
function stepOf({ points: [point] }) {
  return typeof point.customdata === "number" ? point.customdata : point.x;
}
