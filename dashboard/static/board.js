// The live board: figures designed in Python over what the server sends while runs train, without Streamlit reruns.

import { ACTIVE, button, count, element, isDark, setText } from "./dom.js";
import { fillWithExample } from "./example.js";
import { pageComes } from "./first_frame.js";
import { Fold } from "./fold.js";
import { keepFolders } from "./folders.js";
import { leaveFigure } from "./full_screen.js";
import { Head } from "./head.js";
import { keysMenu, press } from "./keys.js";
import { Menus } from "./menus.js";
import { shortNames } from "./names.js";
import { bringUp, closeSidebar } from "./phone.js";
import { Playback } from "./playback.js";
import { Polling } from "./polling.js";
import { ProfileCache } from "./profile_cache.js";
import { Projector } from "./projector.js";
import { isOver, Refreshes } from "./refreshes.js";
import { Series } from "./series.js";
import { largeFigure, tellShown } from "./shown.js";
import { SnapshotCache } from "./snapshot_cache.js";
import { send, targetsOf } from "./steering.js";
import { Glossary } from "./terms.js";
import { TimeTravel } from "./time_travel.js";
import { Trying } from "./trying.js";
import { Verdicts } from "./verdicts.js";

/** @import { Follow } from "./class.d.ts" */
/** @import { Drawing, Theme } from "./figures.d.ts" */
/** @import { Plotly } from "./plotly.d.ts" */
/** @import { AskAlong } from "./polling.js" */
/** @import { Asked } from "./trying.js" */
/** @import { BoardData, LiveRun } from "./types.d.ts" */
/**
 * What a board asks of its page: to train what the controls say, or a changed run beside those that are shown. along:
 * asks for what is new of the runs with a request that the page holds anyway.
 * @typedef {{ train: () => void, tried: (asked: Asked) => void, along?: AskAlong }} Page
 */

/** @type {WeakMap<Element, Board>} */
const boards = new WeakMap();

/**
 * Called by Streamlit's component loader on every change of data or theme. Returns a clean-up function.
 * @param {HTMLElement} parentElement
 * @param {BoardData} data
 * @param {Page} page
 */
export function mount(parentElement, data, page) {
  keepFolders();
  const board = boards.get(parentElement) ?? new Board(parentElement, data);
  boards.set(parentElement, board);
  board.page = page;
  board.update(data);
  return () => {
    board.destroy();
    boards.delete(parentElement);
  };
}

/** @type {Promise<Plotly> | null} */
let plotly = null;

/**
 * While plotly is read the page stands still: that begins once the page is on the screen. The file is fetched meanwhile.
 * @param {string} url
 */
function loadPlotly(url) {
  plotly ??= new Promise((resolve, reject) => {
    const early = document.createElement("link");
    Object.assign(early, { rel: "preload", as: "script", href: url });
    document.head.append(early);
    const script = document.createElement("script");
    script.src = url;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => reject(new Error("plotly.js did not load"));
    requestAnimationFrame(() => setTimeout(() => document.head.append(script)));
  });
  return plotly;
}

class Board {
  /** @type {LiveRun[]} */ runs = [];
  /** @type {Drawing} */ drawing = /** @type {never} */ (null); // from the first `update` on
  /** @type {BoardData} */ data = /** @type {never} */ (null);
  /** @type {Theme} */ theme = "light";
  /** @type {string | null} */ key = null; // of the runs shown
  shown = ""; // what the page last asked to be shown
  followed = ""; // what was shown last because somebody else's board shows it
  frames = 0;
  /** @type {Plotly | null} */ Plotly = null;
  /** @type {Page | null} */ page = null;

  /**
   * @param {HTMLElement} parentElement
   * @param {BoardData} data
   */
  constructor(parentElement, data) {
    this.parent = parentElement;
    this.root = element("div", "rgl-board");
    this.message = element("div", "rgl-message");
    this.message.setAttribute("role", "status");
    this.note = element("div", "rgl-note");
    this.travel = new TimeTravel({
      empty: () => this.emptyText(),
      told: (step, last) => (last ? `step ${count(step)}` : ""),
      travelled: () => this.travelled(),
      shown: () => {
        this.latest.disabled = this.travel.pinned === null;
        this.tell();
      },
    });
    this.glossary = new Glossary(this.root);
    this.trying = new Trying(
      (asked) => this.page?.tried(asked),
      () => this.head.show(),
    );
    const steer = (/** @type {string} */ command, /** @type {Record<string, number> | undefined} */ body) =>
      this.steer(command, body);
    this.head = new Head(steer, this.travel.layerField, this.trying, this.glossary);
    this.head.train.onclick = () => this.page?.train();
    this.glossary.load(data.glossary, () => this.head.show());
    this.playback = new Playback(this.travel);
    this.polling = new Polling({
      came: (news) => this.refresh(news),
      say: (text) => this.say(text),
      along: (query, signal) => this.page?.along?.(query, signal) ?? null,
    });
    this.refreshes = new Refreshes(this.travel, () => this.polling.active());
    this.verdicts = new Verdicts(
      () => this.runs,
      () => this.travel.cursor(),
      () => this.told(),
    );
    this.latest = button("Latest", "Follow the newest step (Escape)", () => this.travel.pin(null));
    this.projector = new Projector(
      this.root,
      this.travel.plots,
      () => this.build(),
      () => this.travel.draw(),
      () => this.tell(),
    );
    this.travel.timeline.prepend(this.playback.button, this.playback.field);
    this.travel.timeline.append(this.latest, this.projector.slides, this.projector.button, keysMenu());
    this.menus = new Menus(this.root);
    this.fold = new Fold(() => this.data.instruments, {
      now: () => ({ runs: this.runs, step: this.travel.pinned, theme: this.theme }),
      colors: () => this.drawing.palette[this.theme].runs,
      plotly: () => loadPlotly(this.data.plotly),
      write: (node, sentence) => this.glossary.write(node, sentence),
    });
    const { timeline, plots } = this.travel;
    this.root.append(this.message, this.note, this.head.root, timeline, plots.root, this.fold.root);
    parentElement.append(this.root);
    this.ready = loadPlotly(data.plotly).then(
      (Plotly) => (this.Plotly = Plotly),
      () => this.say("The chart library did not load. Reload the page."),
    );
    this.onVisible = () => document.hidden || this.polling.wake();
    this.onKey = (/** @type {KeyboardEvent} */ event) =>
      this.root.isConnected &&
      !this.menus.press(event) &&
      !this.glossary.press(event) &&
      !leaveFigure(event) &&
      !this.projector.press(event) &&
      press(event, this.travel, () => this.head.toggle());
    document.addEventListener("visibilitychange", this.onVisible);
    document.addEventListener("keydown", this.onKey);
  }

  /** @param {BoardData} data */
  update(data) {
    const theme = isDark(this.parent) ? "dark" : "light";
    const redrawn = data.drawing !== this.data?.drawing;
    if (redrawn) this.drawing = JSON.parse(data.drawing);
    const key = JSON.stringify([data.runs, this.drawing.runs, data.example]);
    const same = key === this.key;
    const started = this.key !== null && !same && data.runs.every((run) => run.id);
    const shown = JSON.stringify(data.show);
    const unchanged = same && theme === this.theme && !redrawn && shown === this.shown;
    Object.assign(this, { data, key, theme, shown });
    this.root.style.colorScheme = theme;
    const before = !data.runs.some((run) => run.id);
    this.root.classList.toggle("rgl-example", before && data.example !== null);
    this.root.classList.toggle("rgl-waiting", before && data.example === null);
    setText(this.note, before ? data.empty : "");
    this.note.hidden = !before;
    if (!same) this.open();
    this.head.mayTrain = data.trains;
    this.head.mayTry = data.tries;
    this.trying.answered(data.tried);
    this.head.show();
    if (started) closeSidebar();
    if (started) bringUp(this.root);
    if (started) this.head.root.focus({ preventScroll: true }); // from Train, where the space bar would train again
    if (!unchanged) this.ready.then(() => this.build());
    this.fold.root.hidden = before;
    this.fold.follow(false);
    this.polling.wake();
    this.follow(data.follow ?? null);
  }

  /** @param {Follow | null} follow what somebody else's board shows: this one shows it too, once; null: nobody's */
  follow(follow) {
    const now = follow ? JSON.stringify([this.key, follow]) : "";
    if (now === this.followed) return;
    this.followed = now;
    if (follow) this.travel.goTo(follow.step);
    this.travel.plots.lead(follow?.figure ?? null);
  }

  // Tell the page what is shown, for a class that follows it.
  tell() {
    tellShown(this.root, { step: this.travel.pinned, figure: largeFigure(this.travel.plots, this.projector.large) });
  }

  // Take up other runs.
  open() {
    const { data, drawing } = this;
    const short = shortNames(drawing.runs.map(({ label }) => label));
    const before = this.runs.filter((run) => run.id);
    this.runs = data.runs.map((run, index) => ({
      series: new Series(),
      profiles: new ProfileCache(run.id),
      snapshots: new SnapshotCache(run.id),
      state: null,
      ...before.find(({ id }) => id === run.id), // what is known of it stays known
      ...run,
      ...drawing.runs[index],
      short: short[index],
    }));
    this.travel.open(this.runs, data.matched, data.show.step);
    this.polling.open(this.runs);
    this.refreshes.open(this.runs);
    this.head.open(this.runs);
    this.say("");
    if (data.example !== null) this.showExample(data.example, this.runs);
  }

  /**
   * @param {string} url
   * @param {LiveRun[]} runs
   */
  async showExample(url, runs) {
    if ((await fillWithExample(url, runs)) && this.runs === runs) this.travel.draw();
  }

  build() {
    const { Plotly, drawing, theme, travel } = this;
    if (!Plotly) return;
    pageComes(false);
    this.head.color(drawing.palette[theme].runs);
    travel.build(Plotly, drawing, theme, this.key ?? "", this.projector.on);
    this.head.brief.turn(this.projector.on);
    this.head.inBrief();
    travel.plots.arrange(this.data.show);
    travel.draw();
    this.fold.comeBelow(travel.plots.root);
  }

  /** @param {string} text */
  say(text) {
    setText(this.message, text);
    this.message.hidden = !text;
  }

  /** @param {boolean} news */
  async refresh(news) {
    const began = performance.now();
    const over = isOver(this.runs);
    if (!over) this.head.show();
    await this.refreshes.draw(news);
    if (over) this.head.show(); // who reads that the runs are over sees all of them
    if (this.verdicts.missing()) this.verdicts.ask();
    this.refreshes.fetchSnapshots();
    this.fold.follow(true);
    this.root.dataset.refreshMs = (performance.now() - began).toFixed(1);
  }

  travelled() {
    this.refreshes.fetchSnapshots();
    this.fold.follow(false);
    this.frames += 1;
    this.root.dataset.frames = String(this.frames);
    this.verdicts.ask();
  }

  // Show what was said of the cursor's step, and in the figures the profile of which it was said.
  told() {
    this.head.show();
    this.travel.drawStep();
  }

  // What stands in figures without a point: why there is none.
  emptyText() {
    const statuses = this.runs.map((run) => run.state?.status);
    if (!this.runs.some((run) => run.id)) return this.data.example === null ? this.data.empty : "";
    if (statuses.includes("queued")) return "Waiting for a free training process";
    if (statuses.some((status) => !status || ACTIVE.has(status))) return "Waiting for the first step";
    return "No step was trained";
  }

  /**
   * Send a command for the runs that it is for, so that those of a group obey at the same step; whether all obeyed.
   * @param {string} command
   * @param {Record<string, number>} [body]
   */
  async steer(command, body) {
    const problems = await Promise.all(targetsOf(this.runs).map((target) => send(target, command, body)));
    const problem = problems.find(Boolean);
    if (problem) this.say(problem);
    for (const run of this.runs) if (command === "resume" && run.state?.resumable) run.state = null;
    this.polling.wake();
    return !problem;
  }

  destroy() {
    pageComes(true);
    this.polling.stop();
    this.refreshes.stop();
    this.verdicts.stop();
    this.fold.stop();
    this.trying.stop();
    this.glossary.destroy();
    this.playback.stop();
    this.menus.destroy();
    document.removeEventListener("visibilitychange", this.onVisible);
    document.removeEventListener("keydown", this.onKey);
    this.projector.destroy();
    this.travel.destroy();
    this.root.remove();
  }
}
