// The live board: polls /api/records and draws the figures designed in figures.py, without Streamlit reruns.

import { ACTIVE, button, count, element, isDark, setText } from "./dom.js";
import { Head } from "./head.js";
import { marksOf } from "./marks.js";
import { Plots } from "./plots.js";
import { firstDifference, Series } from "./series.js";
import { Snapshots } from "./snapshots.js";

const POLL_MS = 250;
const POLL_FIRST_MS = 60; // until the first step is here, but not for longer than FIRST_MS: runs may wait in the queue
const FIRST_MS = 3000;
const POLL_HIDDEN_MS = 2000;
const RETRY_MS = [500, 1000, 2000, 4000];
const PLAYBACK_S = 8; // a whole run plays back in this time
const MOST_NAMED = 3; // runs whose names fit into every legend; more are numbered
const SNAPSHOT_CARDS = ["predictions", "confusion", "parameters", "gates", "attention"];
const PACE = { profile: [2, 0], heatmap: [4, 3], snapshot: [4, 1] }; // drawn at every so many refreshes, in turn
const boards = new WeakMap();

// Called by Streamlit's component loader on every change of data or theme. Returns a clean-up function.
export function mount(parentElement, data) {
  let board = boards.get(parentElement);
  if (!board) {
    board = new Board(parentElement, data);
    boards.set(parentElement, board);
  }
  board.update(data);
  return () => {
    board.destroy();
    boards.delete(parentElement);
  };
}

let plotly = null;
function loadPlotly(url) {
  plotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => reject(new Error("plotly.js did not load"));
    document.head.append(script);
  });
  return plotly;
}

const KEYS = [
  ["Space", "pause or resume"],
  ["← →", "a step back or forth, with Shift ten times as far"],
  ["Escape", "follow the newest step"],
];

// The keys that work wherever no control has the focus.
function keys() {
  const menu = element("details", "rgl-options rgl-keys");
  const panel = element("dl", "rgl-panel");
  panel.append(...KEYS.flatMap(([key, words]) => [element("dt", "", key), element("dd", "", words)]));
  menu.append(element("summary", "", "Keys"), panel);
  return menu;
}

class Board {
  constructor(parentElement, data) {
    this.parent = parentElement;
    this.runs = [];
    this.layer = null; // shown layer, from 0; null = the top one
    this.pinned = null; // step that the reader chose; null = the newest
    this.hovered = null;
    this.failures = 0;
    this.projector = false;
    this.due = []; // figures of a new snapshot that wait for their turn
    this.root = element("div", "rgl-board");
    this.message = element("div", "rgl-message");
    this.message.setAttribute("role", "status");
    this.head = new Head(
      (command, body) => this.steer(command, body),
      (layer) => this.chooseLayer(layer),
    );
    this.plots = new Plots({
      hover: (step) => this.hover(step),
      unhover: () => this.hover(null),
      click: (step) => this.pin(this.pinned === step ? null : step),
      moved: () => this.plots.moveCursor(this.cursor()),
    });
    this.plots.redraw = (name) => this.draw([name]);
    this.timeline = this.buildTimeline();
    this.root.append(this.message, this.head.root, this.timeline, this.plots.root);
    parentElement.append(this.root);
    this.ready = loadPlotly(data.plotly).then(
      (Plotly) => (this.Plotly = Plotly),
      () => this.say("The chart library did not load. Reload the page."),
    );
    this.onVisible = () => document.hidden || this.wake();
    this.onKey = (event) => this.press(event);
    document.addEventListener("visibilitychange", this.onVisible);
    document.addEventListener("keydown", this.onKey);
  }

  update(data) {
    const theme = isDark(this.parent) ? "dark" : "light";
    const key = JSON.stringify(data.runs);
    const same = key === this.key;
    const started = this.key !== undefined && !same && data.runs.every((run) => run.id);
    const redrawn = data.drawing !== this.data?.drawing;
    const show = JSON.stringify(data.show);
    const reshown = show !== this.shown;
    const unchanged = same && theme === this.theme && !redrawn && !reshown;
    if (redrawn) this.drawing = JSON.parse(data.drawing);
    Object.assign(this, { data, key, theme, shown: show });
    this.root.style.colorScheme = theme;
    if (!same) {
      this.runs = data.runs.map((run, index) => ({
        ...run,
        short: data.runs.length > MOST_NAMED ? String(index + 1) : null, // what legends call it
        series: new Series(),
        snapshots: new Snapshots(run.id),
        state: null,
      }));
      Object.assign(this, { layer: null, pinned: data.show.step, hovered: null, difference: null });
      Object.assign(this, { openedAt: performance.now(), refreshes: 0, due: [] });
      this.head.open(this.runs);
      this.say("");
    }
    if (started) this.head.root.focus({ preventScroll: true }); // from Train, where the space bar would train again
    if (!unchanged) this.ready.then(() => this.Plotly && this.build());
    this.wake();
  }

  say(text) {
    setText(this.message, text);
    this.message.hidden = !text;
  }

  // ---- polling ----

  active() {
    return this.runs.some((run) => run.id && (!run.state || run.wantsAll || ACTIVE.has(run.state.status)));
  }

  wake() {
    clearTimeout(this.timer);
    if (this.active() && !this.polling) this.poll();
  }

  async poll() {
    this.polling = true;
    const runs = this.runs.filter((run) => run.id);
    const url = new URL("api/records", document.baseURI);
    for (const run of runs) {
      run.asked = run.wantsAll ? 0 : run.series.since;
      url.searchParams.append("run", `${run.id}:${run.asked}`);
    }
    let wait = document.hidden ? POLL_HIDDEN_MS : POLL_MS;
    try {
      this.abort = new AbortController();
      const response = await fetch(url, { signal: this.abort.signal });
      if (!response.ok) throw new Error(String(response.status));
      const answer = await response.json();
      if (runs.some((run) => !this.runs.includes(run))) return; // the board shows other runs by now
      if (this.failures) this.say("");
      this.failures = 0;
      const began = performance.now();
      let news = false;
      for (const [index, run] of runs.entries()) news = this.take(run, answer.runs[index]) || news;
      this.head.show();
      await this.catchUp(news);
      if (this.cursor() !== null && this.runs.some((run) => run.verdicts === undefined)) this.askVerdict();
      if (this.beginning()) wait = POLL_FIRST_MS;
      this.refreshSnapshots();
      this.root.dataset.refreshMs = (performance.now() - began).toFixed(1);
    } catch (error) {
      if (error.name !== "AbortError") {
        wait = RETRY_MS[Math.min(this.failures++, RETRY_MS.length - 1)];
        if (this.failures > 1) this.say("No answer from the server. The runs go on there; trying again.");
      }
    } finally {
      this.polling = false;
      clearTimeout(this.timer);
      if (!this.destroyed && this.active()) this.timer = setTimeout(() => this.poll(), wait);
    }
  }

  beginning() {
    return performance.now() - this.openedAt < FIRST_MS && this.runs.some((run) => !run.series.step.length);
  }

  // Draw what came; once nothing comes (any more), what was left out meanwhile, and why figures are empty.
  async catchUp(news) {
    const empty = this.emptyText();
    const training = news && this.drawn && this.active();
    if (news || this.behind || !this.drawn || empty !== this.toldEmpty)
      await this.draw(training ? this.turn() : undefined);
    this.behind = training;
    this.toldEmpty = empty;
  }

  // What a refresh draws while training: the lines over training each time, the others in their turn.
  turn() {
    this.refreshes += 1;
    if (this.refreshes === 1) return undefined; // all of them
    const [every, offset] = PACE.snapshot;
    const snapshot = this.refreshes % every === offset ? this.due.shift() : null;
    return Object.keys(this.plots.cards).filter((name) => {
      if (SNAPSHOT_CARDS.includes(name)) return name === snapshot;
      const [every, offset] = PACE[name] ?? [1, 0];
      return this.refreshes % every === offset;
    });
  }

  take(run, answer) {
    if (answer.error) {
      run.state = { status: "unknown", reason: answer.error, last_step: 0, steps: 0 };
      return false;
    }
    if (run.wantsAll) run.series = new Series();
    const news = run.series.append(answer);
    // While training a refresh brings few profiles; once the run is over, fetch what there is for time travel.
    const ended = !ACTIVE.has(answer.status);
    run.wantsAll = ended && !run.hasAll && run.asked > 0;
    run.hasAll = ended && run.asked === 0;
    const insights = answer.insights ?? run.state?.insights;
    run.state = { ...answer, insights };
    run.snapshots.newest = answer.snapshot_step ?? null;
    run.info = answer.info ?? run.info;
    return news;
  }

  // Send a command for the group of runs, so that twins obey at the same step.
  async steer(command, body) {
    const targets = this.data.group ? [this.data.group] : this.runs.map((run) => run.id).filter(Boolean);
    const sent = await Promise.all(
      targets.map(async (target) => {
        const headers = body ? { "Content-Type": "application/json" } : {};
        try {
          const url = new URL(`api/runs/${target}/${command}`, document.baseURI);
          const answer = await fetch(url, { method: "POST", headers, body: body && JSON.stringify(body) });
          if (!answer.ok) this.say((await answer.json()).error ?? "The server refused.");
          return answer.ok;
        } catch {
          this.say("The command did not reach the server. Try again.");
          return false;
        }
      }),
    );
    for (const run of this.runs) if (command === "resume" && run.state?.resumable) run.state = null;
    this.wake();
    return sent.every(Boolean);
  }

  // ---- figures ----

  build() {
    const { drawing, theme } = this;
    this.root.classList.toggle("rgl-projector", this.projector);
    this.head.color(drawing.colors[theme]);
    this.plots.open(this.Plotly, drawing.figures[theme], drawing.words, this.key, this.projector);
    this.plots.name(this.runs, drawing.colors[theme]);
    this.plots.arrange(this.data.show);
    this.drawn = false;
    this.draw();
  }

  async draw(names) {
    if (!this.Plotly || !this.plots.Plotly) return;
    const layers = Math.max(0, ...this.runs.map((run) => run.series.layers));
    if (layers && (this.layer === null || this.layer >= layers)) this.layer = layers - 1;
    this.head.setLayers(layers, this.layer);
    this.drawn = true;
    if (!names || SNAPSHOT_CARDS.every((name) => names.includes(name))) this.drawnSnapshots = this.snapshotSteps();
    await this.plots.draw(this.runs, this.view(), names);
    this.showTimeline();
  }

  // Of which steps the snapshots are that belong to the cursor.
  snapshotSteps() {
    return this.runs.map((run) => run.snapshots.at(this.cursor())?.step).join();
  }

  view() {
    return {
      layer: this.layer,
      cursor: this.cursor(),
      palette: this.drawing.palette[this.theme],
      empty: this.emptyText(),
      marks: this.marks(),
    };
  }

  // What stands in figures without a point: why there is none.
  emptyText() {
    const statuses = this.runs.map((run) => run.state?.status);
    if (!this.runs.some((run) => run.id)) return this.data.empty;
    if (statuses.includes("queued")) return "Waiting for a free training process";
    if (statuses.some((status) => !status || ACTIVE.has(status))) return "The first step is on its way";
    return "No step was trained";
  }

  marks() {
    const [a, b] = this.runs;
    if (this.runs.length === 2 && this.data.twins) this.difference ??= firstDifference(a.series, b.series);
    return marksOf(this.runs, this.difference);
  }

  chooseLayer(layer) {
    this.layer = layer;
    this.draw();
  }

  // Fetch the snapshots that the cursor asks for and draw what came.
  async refreshSnapshots() {
    const step = this.cursor();
    const wanted = this.runs.filter((run) => run.id && run.snapshots.wanted(step, ACTIVE.has(run.state?.status)));
    if (!wanted.length || this.fetchingSnapshots) return;
    this.fetchingSnapshots = true;
    try {
      const came = await Promise.all(wanted.map((run) => run.snapshots.fetch(step)));
      if (!came.some(Boolean) || this.destroyed) return;
      const first = this.runs.every((run) => run.snapshots.kept.length <= 1);
      if (step === null && this.active() && !first)
        this.due = [...new Set([...this.due, ...this.plots.inView(SNAPSHOT_CARDS)])];
      else await this.draw(SNAPSHOT_CARDS);
    } catch {
      // the poll tells of a server that does not answer
    } finally {
      this.fetchingSnapshots = false;
      if (this.cursor() !== step) this.refreshSnapshots();
    }
  }

  // ---- time travel ----

  buildTimeline() {
    const root = element("div", "rgl-timeline");
    this.play = button("Play", "Play the run back", () => this.togglePlayback());
    this.scrubber = element("input", "rgl-scrubber");
    Object.assign(this.scrubber, { type: "range", min: "1", max: "1", step: "1", value: "1" });
    this.scrubber.setAttribute("aria-label", "training step shown");
    this.scrubber.oninput = () => this.pin(Number(this.scrubber.value));
    this.when = element("span", "rgl-when");
    this.latest = button("Latest", "Follow the newest step (Escape)", () => this.pin(null));
    this.bigger = button("Projector", "Larger type for a projector", () => {
      this.projector = !this.projector;
      this.bigger.setAttribute("aria-pressed", String(this.projector));
      this.build();
    });
    this.bigger.setAttribute("aria-pressed", "false");
    root.append(this.play, this.scrubber, this.when, this.latest, this.bigger, keys());
    return root;
  }

  lastStep() {
    return Math.max(0, ...this.runs.map((run) => run.series.step.at(-1) ?? 0));
  }

  cursor() {
    return this.lastStep() ? (this.hovered ?? this.pinned) : null;
  }

  hover(step) {
    this.hovered = step;
    this.travel();
  }

  pin(step) {
    this.pinned = step === null ? null : Math.min(Math.max(1, Math.round(step)), this.lastStep());
    this.travel();
  }

  // Show the cursor's step in everything that depends on it; at most once a frame.
  travel() {
    cancelAnimationFrame(this.travelling);
    this.travelling = requestAnimationFrame(async () => {
      if (!this.Plotly || !this.lastStep()) return;
      this.plots.moveCursor(this.cursor());
      this.showTimeline();
      const others = this.snapshotSteps() === this.drawnSnapshots ? [] : SNAPSHOT_CARDS;
      await this.draw(["profile", ...others]);
      this.refreshSnapshots();
      this.frames = (this.frames ?? 0) + 1;
      this.root.dataset.frames = String(this.frames);
      this.askVerdict();
    });
  }

  showTimeline() {
    const last = this.lastStep();
    this.timeline.classList.toggle("rgl-idle", last < 2);
    this.scrubber.max = String(Math.max(last, 1));
    const shown = this.cursor() ?? last;
    if (document.activeElement !== this.scrubber || this.pinned === null) this.scrubber.value = String(shown);
    setText(this.when, last ? `step ${count(shown)}` : "");
    this.latest.disabled = this.pinned === null;
  }

  // The verdicts of a pinned step come from the server, once the cursor rests.
  askVerdict() {
    clearTimeout(this.verdictTimer);
    const step = this.cursor();
    if (step === null) {
      for (const run of this.runs) run.verdicts = null;
      this.head.show();
      return;
    }
    this.verdictTimer = setTimeout(async () => {
      for (const run of this.runs.filter((candidate) => candidate.id)) {
        const answer = await fetch(new URL(`api/runs/${run.id}/insights?step=${step}`, document.baseURI));
        if (!answer.ok || this.cursor() !== step) return;
        const { step: reached, verdicts } = await answer.json();
        if (reached < step && ACTIVE.has(run.state?.status)) continue; // asked again once it has come so far
        const [first, ...others] = verdicts.map((verdict) => verdict.sentence);
        run.verdicts = first ? [`At step ${count(step)}: ${first}`, ...others] : null;
      }
      this.head.show();
    }, 150);
  }

  togglePlayback() {
    if (this.playing) return this.stopPlayback();
    const last = this.lastStep();
    const from = this.pinned === null || this.pinned >= last ? 1 : this.pinned;
    const began = performance.now();
    setText(this.play, "Stop playing");
    const frame = (now) => {
      const step = from + ((now - began) / 1000 / PLAYBACK_S) * last;
      this.pin(step);
      if (step >= last) this.stopPlayback();
      else this.playing = requestAnimationFrame(frame);
    };
    this.playing = requestAnimationFrame(frame);
    return undefined;
  }

  stopPlayback() {
    cancelAnimationFrame(this.playing);
    this.playing = null;
    setText(this.play, "Play");
  }

  press(event) {
    const busy = event.target.closest?.(
      "input, textarea, select, button, summary, a, [contenteditable], [role=button], [role=slider], [role=combobox], [role=radiogroup]",
    );
    if (busy || event.ctrlKey || event.metaKey || event.altKey || !this.root.isConnected) return;
    const stride = (event.shiftKey ? 10 : 1) * Math.max(1, Math.round(this.lastStep() / 400));
    if (event.key === " ") this.head.toggle();
    else if (event.key === "ArrowLeft") this.pin((this.pinned ?? this.lastStep()) - stride);
    else if (event.key === "ArrowRight") this.pin((this.pinned ?? this.lastStep()) + stride);
    else if (event.key === "Escape") this.pin(null);
    else return;
    event.preventDefault();
  }

  destroy() {
    this.destroyed = true;
    clearTimeout(this.timer);
    clearTimeout(this.verdictTimer);
    this.stopPlayback();
    this.abort?.abort();
    document.removeEventListener("visibilitychange", this.onVisible);
    document.removeEventListener("keydown", this.onKey);
    this.plots.destroy();
    this.root.remove();
  }
}
