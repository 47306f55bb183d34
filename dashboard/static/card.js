// The card of one figure: its heading with the options, the place of the plot, the runs' names below it.

import { count, element, inWords, setRich } from "./dom.js";
import { corner } from "./full_screen.js";
import { menu } from "./menus.js";
import { Room } from "./room.js";

/** @import { About, AboutOption, Context, Spec } from "./figures.d.ts" */
/** @import { PlotElement } from "./plotly.d.ts" */
/** @import { Run } from "./types.d.ts" */

export class Card {
  /** @type {Spec} */ spec = /** @type {never} */ (null); // from `open` on
  /** @type {HTMLElement[]} */ cursors = []; // one for each of its maps
  /** @type {Record<string, boolean>} */ options = {};
  /** @type {Room | null} */ room = null; // of a figure with room ahead
  /** @type {string | null} */ frameDrawn = null; // what is drawn beside lines and maps
  /** @type {[number, number] | null} */ colours = null; // range of those of its maps
  width = 0; // of the plot
  height = 0;
  last = NaN; // where the axis of training steps ends
  stale = true; // drawn once it comes into view
  visible = false;
  listening = false;
  turn = 0; // which call of `Plots.draw` drew it last

  /**
   * @param {string} name
   * @param {About} about
   * @param {() => void} redraw
   * @param {(index: number) => void} toggleRun hides a run, or shows it again
   */
  constructor(name, about, redraw, toggleRun) {
    this.name = name;
    this.about = about;
    this.redraw = redraw;
    this.toggleRun = toggleRun;
    this.subtitle = element("span", "rgl-subtitle");
    const titles = element("div", "rgl-titles");
    titles.append(element("h2", "", about.title), this.subtitle);
    setRich(this.subtitle, about.subtitle.replace("{step}", "the latest step").replace("at step the", "at the"));
    const heading = element("header", "rgl-card-head");
    heading.append(titles);
    this.menu = about.options.length ? this.optionsMenu(about.options) : null;
    if (this.menu) heading.append(this.menu);
    this.plot = /** @type {PlotElement} */ (element("div", "rgl-plot"));
    this.plot.dataset.figure = name;
    this.plot.setAttribute("role", "figure"); // plotly's buttons are in it
    this.plot.setAttribute("aria-label", about.alt);
    this.frame = element("div", "rgl-frame");
    this.frame.append(this.plot);
    this.legend = element("div", "rgl-legend");
    this.root = element("section", "rgl-card");
    this.root.style.setProperty("--letters", String(about.title.length));
    const full = corner(this.root, about.title);
    if (full) heading.append(full);
    this.root.append(heading, this.frame, this.legend);
  }

  /**
   * Take up a new spec for new runs, whose figure is drawn anew.
   * @param {Spec} spec
   * @param {About} about
   */
  open(spec, about) {
    Object.assign(this, { spec, about, frameDrawn: null, colours: null, last: NaN, stale: true });
    this.room = about.rules.includes("roomAhead") ? new Room() : null;
  }

  // Take the plot's size, for all that is drawn next.
  measure() {
    this.width = this.plot.offsetWidth;
    this.height = this.plot.offsetHeight;
  }

  /** Whether most refreshes leave its axes where they are. */
  get keepsAxes() {
    return this.room !== null || this.about.rules.includes("stepsAhead");
  }

  /** @param {AboutOption[]} list */
  optionsMenu(list) {
    const panel = element("div");
    for (const { key, label: words, on, help } of list) {
      this.options[key] = on;
      const label = element("label");
      const box = element("input");
      Object.assign(box, { type: "checkbox", checked: on });
      box.onchange = () => {
        this.options[key] = box.checked;
        this.room &&= new Room();
        this.redraw();
      };
      label.title = help;
      label.dataset.option = key;
      label.append(box, element("span", "", ` ${words}`));
      panel.append(label);
    }
    return menu("Options", panel);
  }

  /** @param {string} key */
  switchOn(key) {
    this.options[key] = true;
    const box = this.root.querySelector(`[data-option="${key}"] input`);
    if (box instanceof HTMLInputElement) box.checked = true;
  }

  /**
   * Options that no run on the board has anything for are not offered; without one there is no menu.
   * @param {Run[]} runs
   */
  offerOptions(runs) {
    let offered = 0;
    for (const { key, applies, measured } of this.about.options) {
      const label = this.root.querySelector(`[data-option="${key}"]`);
      const any = !measured || runs.some((run) => run.series.evaluation(measured).some(Number.isFinite));
      if (label instanceof HTMLElement) label.hidden = !applies || !any;
      if (applies && any) offered++;
    }
    if (this.menu) this.menu.hidden = !offered;
  }

  /**
   * Whether there is anything to show: the figure is for these runs, and one of them has the part that it shows.
   * @param {Context["snapshots"]} snapshots
   */
  hasAny(snapshots) {
    const { shows, applies } = this.about;
    if (!applies || !shows) return applies;
    return snapshots.some((snapshot) => {
      const part = /** @type {{ kind?: string } | null | undefined} */ (snapshot?.[shows.part]);
      return part && (shows.kind === null || part.kind === shows.kind);
    });
  }

  /**
   * Name the runs; maps have their names above them.
   * @param {Run[]} runs
   * @param {string[]} colors
   */
  nameRuns(runs, colors) {
    if (this.spec.data[0]?.type === "heatmap") return;
    /** @type {HTMLElement[]} */
    const names = runs.map((run, index) => {
      const swatch = element("span", "rgl-swatch");
      swatch.style.background = colors[index];
      const entry = element("button", "rgl-entry");
      Object.assign(entry, {
        type: "button",
        title: `${run.label}: show or hide`,
        onclick: () => this.toggleRun(index),
      });
      entry.setAttribute("aria-pressed", String(!run.hidden));
      entry.append(swatch, element("span", "", run.short ?? run.label), element("span", "rgl-share"));
      return entry;
    });
    names.push(element("span", "rgl-same rgl-aside"), element("span", "rgl-lines"));
    if (this.about.aside) names.push(element("span", "rgl-aside", this.about.aside));
    this.legend.replaceChildren(...names);
  }

  /** @param {Run[]} runs of which the reader has hidden some */
  markHidden(runs) {
    for (const [index, entry] of this.legend.querySelectorAll("button.rgl-entry").entries()) {
      entry.setAttribute("aria-pressed", String(!runs[index].hidden));
    }
  }

  /**
   * Say in the subtitle which step is shown, where the figure is of one step.
   * @param {Context} context
   */
  captionStep({ runs, view, snapshots }) {
    const { subtitle, shows } = this.about;
    if (!subtitle.includes("{step}")) return;
    const shown = shows ? snapshots : runs.map((run) => run.profiles.at(view.cursor, run.series));
    const steps = new Set(shown.flatMap((each) => (each ? [count(each.step)] : [])));
    const text = steps.size
      ? subtitle.replace("{step}", inWords([...steps]))
      : subtitle.replace("step {step}", "the latest step");
    setRich(this.subtitle, text);
  }
}
