// The strip above the figures: one line a run with its state and verdict, and the controls that steer all of them.

import { Brief, sharedStart } from "./brief.js";
import { ACTIVE, button, count, duration, element, number, setText } from "./dom.js";
import { Findings, saidOf } from "./findings.js";
import { told } from "./metric.js";
import { Slider } from "./slider.js";

/** @import { Glossary } from "./terms.js" */
/** @import { Trying } from "./trying.js" */
/** @import { LiveRun, State } from "./types.d.ts" */

/**
 * The elements of one run's line.
 * @typedef {ReturnType<typeof lineOf>} Line
 * @typedef {(command: string, body?: Record<string, number>) => Promise<boolean>} Steer
 */

/** @type {Record<State["status"], string>} */
const STATUS_WORDS = {
  queued: "waiting",
  running: "running",
  paused: "paused",
  finished: "finished",
  stopped: "stopped",
  diverged: "diverged",
  failed: "failed",
  killed: "killed",
  interrupted: "interrupted",
  unknown: "not found",
};
const QUIET_ENDINGS = new Set(["stopped", "finished", "diverged"]); // the verdict says more than their reason
const EARLY = 20; // steps, that a slow start may have held: how long the rest takes cannot be told yet

export class Head {
  /** @type {LiveRun[]} */ runs = [];
  /** @type {Line[]} */ views = []; // one a run
  mayTrain = false; // whether the page trains when it is asked to
  mayTry = false; // whether it trains a changed run beside these

  /**
   * @param {Steer} steer sends a command for all runs of the board; whether all obeyed
   * @param {HTMLElement} layerField where the reader chooses a layer
   * @param {Trying} trying
   * @param {Glossary} glossary
   */
  constructor(steer, layerField, trying, glossary) {
    this.steer = steer;
    this.trying = trying;
    this.glossary = glossary;
    this.root = element("div", "rgl-head");
    this.root.tabIndex = -1; // takes the focus when a run starts
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", "runs on the board");
    this.lines = element("div", "rgl-runs");
    this.brief = new Brief(this.lines);
    this.train = button("Train", "Train what the controls say", () => {});
    this.train.classList.add("rgl-train");
    this.pause = button("Pause", "Hold training after the current step (space bar)", () => this.send("pause"));
    this.step = button("Step", "Train a single step", () => this.send("step"));
    this.resume = button("Resume", "Go on training (space bar)", () => this.send("resume"));
    this.stop = button("Stop", "End training; everything measured so far is kept", () => this.send("stop"));
    const send = (/** @type {string} */ command, /** @type {Record<string, number>} */ body) =>
      this.send(command, body);
    this.rate = new Slider("Learning rate", "learning_rate", send);
    this.threshold = new Slider("Clip threshold", "clip_threshold", send);
    this.steering = element("div", "rgl-steering");
    this.steering.append(this.rate.root, this.threshold.root);
    const actions = element("div", "rgl-actions");
    actions.append(layerField, this.train, this.pause, this.step, this.resume, this.stop);
    this.side = element("div", "rgl-side");
    this.side.append(actions, this.steering);
    this.root.append(this.lines, this.side);
  }

  /**
   * Build the lines of new runs.
   * @param {LiveRun[]} runs
   */
  open(runs) {
    this.runs = runs;
    const started = runs.some((run) => run.id);
    this.root.classList.toggle("rgl-started", started); // room for what will be said
    for (const slider of [this.rate, this.threshold]) slider.asked.refuse();
    const shared = sharedStart(runs.map(({ label }) => label));
    this.views = runs.map((run) => lineOf(run, shared));
    this.lines.replaceChildren(
      ...this.views.map(({ findings, ...parts }, index) => {
        const line = element("div", "rgl-run");
        line.dataset.run = String(index);
        line.append(...Object.values(parts), findings.root);
        return line;
      }),
    );
    this.show();
  }

  /** @param {string[]} colors */
  color(colors) {
    for (const [index, view] of this.views.entries()) view.swatch.style.background = colors[index];
  }

  show() {
    this.lines.classList.toggle("rgl-starting", this.trying.waiting !== null); // room for the run to come
    for (const [index, run] of this.runs.entries()) this.showRun(run, this.views[index]);
    const own = this.runs.filter((run) => run.target || !run.id); // those of others are only looked at
    const statuses = own.map((run) => run.state?.status ?? (run.id ? "queued" : "none"));
    const any = (/** @type {(typeof statuses)} */ ...words) => statuses.some((status) => words.includes(status));
    const active = own.some((run) => run.state && ACTIVE.has(run.state.status));
    const focused = this.side.contains(document.activeElement) ? document.activeElement : null;
    this.train.hidden = !this.mayTrain || any("queued", "running", "paused");
    this.pause.hidden = any("paused") || !any("running", "queued");
    this.step.hidden = !any("paused");
    this.resume.hidden = !(any("paused") || (!active && own.some((run) => run.state?.resumable)));
    this.stop.hidden = !any("queued", "running", "paused");
    this.steering.hidden = !active;
    this.root.classList.toggle("rgl-steers", active);
    this.rate.show(own);
    this.threshold.show(own);
    if (focused && !focused.checkVisibility()) {
      ([this.pause, this.resume].find((node) => !node.hidden) ?? this.root).focus(); // Pause and Resume, one for the other
    }
    if (!active) setText(this.stop, "Stop");
    if (!active) this.stop.disabled = false;
    this.inBrief();
  }

  // What is said of the runs in one line, in projector mode.
  inBrief() {
    const reasons = this.views.map(({ reason }) => (reason.hidden ? "" : (reason.textContent ?? "")));
    const places = this.views.map(({ findings }) => findings.brief);
    this.brief.show(this.runs, places, reasons);
  }

  /**
   * @param {LiveRun} run
   * @param {Line} view
   */
  showRun(run, view) {
    const { state } = run;
    view.progress.hidden = !run.id || state?.steps === 0;
    if (!state) {
      setText(view.status, run.id ? "loading" : "not started");
      return;
    }
    setText(view.status, STATUS_WORDS[state.status] ?? state.status);
    view.status.dataset.status = state.status;
    view.progress.value = state.steps ? state.last_step / state.steps : 0;
    setText(view.detail, details(run, state).join(" · "));
    const early = state.status === "finished" && state.last_step < state.steps;
    const reason = early || !QUIET_ENDINGS.has(state.status) ? (state.reason ?? "") : "";
    setText(view.reason, reason);
    view.reason.classList.toggle("rgl-alert", !early);
    view.reason.hidden = !reason;
    const { runs, trying, glossary, mayTry: tries } = this;
    const newest = state.insights ? saidOf(state.insights, null) : null;
    view.findings.show(run, run.said ?? newest, { runs, trying, glossary, tries });
    view.status.dataset.verdict = view.findings.root.dataset.verdict;
  }

  /** @type {Steer} */
  async send(command, body) {
    if (command === "stop") {
      if (document.activeElement === this.stop) this.root.focus(); // a disabled button would lose it
      this.stop.disabled = true;
      setText(this.stop, "Stopping");
    }
    const done = await this.steer(command, body);
    if (!done && command === "stop") {
      this.stop.disabled = false;
      setText(this.stop, "Stop");
    }
    return done;
  }

  // Space bar: pause what runs, resume what is paused.
  toggle() {
    if (!this.pause.hidden) this.send("pause");
    else if (!this.resume.hidden) this.send("resume");
  }
}

/**
 * @param {LiveRun} run
 * @param {string} shared what all labels begin with
 */
function lineOf(run, shared) {
  const view = {
    swatch: element("span", "rgl-swatch"),
    name: element("strong", "", run.short ? `${run.short}. ` : ""),
    status: element("span", "rgl-status"),
    progress: element("progress", "rgl-progress"),
    detail: element("span", "rgl-detail"),
    reason: element("div", "rgl-reason"),
    findings: new Findings(),
  };
  const label = element("span", run.short ? "rgl-label" : "");
  label.append(element("span", "rgl-shared", shared), run.label.slice(shared.length));
  view.name.append(label);
  view.progress.max = 1;
  view.progress.setAttribute("aria-label", `progress of the run ${run.label}`);
  return view;
}

/**
 * @param {LiveRun} run
 * @param {State} state
 */
function details({ series, info }, state) {
  const loss = series.columns.train_loss.at(-1);
  const metric = told(info, series.evaluation("val_metric").findLast(Number.isFinite));
  const parts = [];
  const end = state.steps ? ` of ${count(state.steps)}` : ""; // of a watched run no end is known
  if (state.status !== "queued") parts.push(`step ${count(state.last_step)}${end}`);
  else if (state.position) parts.push(`position ${state.position} in the queue`);
  if (state.notice) parts.push(state.notice);
  else if (state.status === "queued" && state.wait_seconds) parts.push(`about ${duration(state.wait_seconds)} to go`);
  if (state.status === "running" && state.steps_per_second) {
    parts.push(`${count(Math.round(state.steps_per_second))} steps/s`);
    const left = (state.steps - state.last_step) / state.steps_per_second;
    if (left > 1 && state.last_step > EARLY) parts.push(`${duration(left)} left`);
  }
  if (loss !== undefined) parts.push(`batch loss ${number(loss)}`);
  if (metric) parts.push(metric);
  return parts;
}
