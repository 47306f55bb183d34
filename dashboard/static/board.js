// The live board: draws the figures designed in figures.py and fills them from /api/records, without Streamlit reruns.

import { Series } from "./series.js";

const POLL_MS = 250;
const POLL_HIDDEN_MS = 2000;
const RETRY_MS = [500, 1000, 2000, 4000];
const ACTIVE = new Set(["queued", "running", "paused"]);
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

class Board {
  constructor(parentElement, data) {
    this.parent = parentElement;
    this.runs = [];
    this.plots = {};
    this.layer = null; // shown layer, from 0; null = the top one
    this.failures = 0;
    this.root = element("div", "rgl-board");
    this.message = element("div", "rgl-message");
    this.message.setAttribute("role", "status");
    this.head = element("div", "rgl-head");
    this.grid = element("div", "rgl-grid");
    this.root.append(this.message, this.head, this.grid);
    parentElement.append(this.root);
    this.ready = loadPlotly(data.plotly).then(
      (Plotly) => (this.Plotly = Plotly),
      () => this.say("The chart library did not load. Reload the page."),
    );
    this.onVisible = () => document.hidden || this.wake();
    document.addEventListener("visibilitychange", this.onVisible);
    this.resize = new ResizeObserver(() => this.fit());
    this.resize.observe(this.grid);
  }

  update(data) {
    const theme = isDark(this.parent) ? "dark" : "light";
    const key = JSON.stringify(data.runs);
    const sameRuns = key === this.key;
    const sameSpecs = sameRuns && theme === this.theme;
    this.data = data;
    this.key = key;
    this.theme = theme;
    this.root.style.colorScheme = theme;
    if (!sameRuns) {
      this.runs = data.runs.map((run) => ({ ...run, series: new Series(), state: null }));
      this.layer = null;
      this.buildHead();
      this.say("");
    }
    if (!sameSpecs) this.ready.then(() => this.Plotly && this.build());
    this.wake();
  }

  // ---- the strip above the figures: one line a run, one Stop for all ----

  buildHead() {
    const runs = element("div", "rgl-runs");
    this.runs.forEach((run, index) => {
      const swatch = element("span", "rgl-swatch");
      swatch.style.background = this.data.colors[this.theme][index];
      run.name = element("strong", "", run.label);
      run.statusText = element("span", "rgl-status");
      run.progress = element("progress", "rgl-progress");
      run.progress.max = 1;
      run.progress.value = 0;
      run.progress.setAttribute("aria-label", `progress of the run ${run.label}`);
      run.detail = element("span", "rgl-detail");
      run.reason = element("div", "rgl-reason");
      const line = element("div", "rgl-run");
      line.append(swatch, run.name, run.statusText, run.progress, run.detail, run.reason);
      line.dataset.run = String(index);
      runs.append(line);
      run.swatch = swatch;
    });
    this.stopButton = element("button", "rgl-button", "Stop");
    this.stopButton.type = "button";
    this.stopButton.title = "Stop training; everything measured so far is kept";
    this.stopButton.disabled = true;
    this.stopButton.onclick = () => this.stop();
    this.layerLabel = element("label", "rgl-layer", "Layer ");
    this.layerSelect = element("select");
    this.layerSelect.onchange = () => {
      this.layer = Number(this.layerSelect.value);
      this.draw();
    };
    this.layerLabel.append(this.layerSelect);
    this.layerLabel.hidden = true;
    const actions = element("div", "rgl-actions");
    actions.append(this.layerLabel, this.stopButton);
    this.head.replaceChildren(runs, actions);
    for (const run of this.runs) this.showState(run);
  }

  say(text) {
    this.message.textContent = text;
    this.message.hidden = !text;
  }

  showState(run) {
    const state = run.state;
    run.progress.hidden = !run.id;
    if (!state) {
      run.statusText.textContent = run.id ? "loading" : "not started";
      return;
    }
    run.statusText.textContent = STATUS_WORDS[state.status] ?? state.status;
    run.statusText.dataset.status = state.status;
    run.progress.value = state.steps ? state.last_step / state.steps : 0;
    const parts = [];
    if (state.status !== "queued") parts.push(`step ${count(state.last_step)} of ${count(state.steps)}`);
    else if (state.position) parts.push(`position ${state.position} in the queue`);
    if (state.status === "queued" && state.wait_seconds) parts.push(`about ${duration(state.wait_seconds)} to go`);
    if (state.status === "running" && state.steps_per_second) {
      parts.push(`${count(Math.round(state.steps_per_second))} steps/s`);
      const left = (state.steps - state.last_step) / state.steps_per_second;
      if (left > 1) parts.push(`${duration(left)} left`);
    }
    const losses = run.series.train_loss;
    if (losses.length) parts.push(`loss ${number(losses[losses.length - 1])}`);
    run.detail.textContent = parts.join(" · ");
    run.reason.textContent = state.reason ?? "";
  }

  async stop() {
    this.stopButton.disabled = true;
    this.stopButton.textContent = "Stopping";
    for (const run of this.runs) {
      if (!run.state || !ACTIVE.has(run.state.status)) continue;
      try {
        const answer = await fetch(new URL(`api/runs/${run.id}/stop`, document.baseURI), {
          method: "POST",
          headers: { "X-RNN-Gradient-Lab": "1" },
        });
        if (!answer.ok) throw new Error(String(answer.status));
      } catch {
        this.say("Stop did not reach the server. Try again.");
      }
    }
    this.wake();
  }

  // ---- polling ----

  active() {
    return this.runs.some((run) => run.id && (!run.state || ACTIVE.has(run.state.status) ));
  }

  wake() {
    clearTimeout(this.timer);
    if (this.active() && !this.polling) this.poll();
  }

  async poll() {
    this.polling = true;
    const runs = this.runs.filter((run) => run.id);
    const url = new URL("api/records", document.baseURI);
    for (const run of runs) url.searchParams.append("run", `${run.id}:${run.series.since}`);
    let wait = document.hidden ? POLL_HIDDEN_MS : POLL_MS;
    try {
      this.abort = new AbortController();
      const response = await fetch(url, { signal: this.abort.signal });
      if (!response.ok) throw new Error(String(response.status));
      const answer = await response.json();
      if (this.runs.some((run, index) => run.id && run !== runs[index])) return; // the board shows other runs by now
      if (this.failures) this.say("");
      this.failures = 0;
      let news = false;
      for (const [index, run] of runs.entries()) {
        const state = answer.runs[index];
        if (state.error) {
          run.state = { status: "unknown", reason: state.error, last_step: 0, steps: 0 };
        } else {
          news = run.series.append(state) || news;
          run.state = state;
          run.info = state.info ?? run.info;
        }
        this.showState(run);
      }
      const running = runs.some((run) => ACTIVE.has(run.state.status));
      this.stopButton.disabled = !running;
      if (!running) this.stopButton.textContent = "Stop";
      if (news || !this.drawn) await this.draw();
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

  // ---- figures ----

  build() {
    for (const [index, run] of this.runs.entries()) run.swatch.style.background = this.data.colors[this.theme][index];
    const family = getComputedStyle(this.root).fontFamily;
    for (const [name, spec] of Object.entries(this.data.figures[this.theme])) {
      let plot = this.plots[name];
      if (!plot) {
        plot = element("div", "rgl-plot");
        plot.dataset.figure = name;
        const card = element("div", "rgl-card");
        card.append(plot);
        this.grid.append(card);
        this.plots[name] = plot;
      }
      plot.setAttribute("role", "img");
      plot.setAttribute("aria-label", this.data.alt[name]);
      plot.spec = structuredClone(spec);
      plot.spec.layout.font.family = family;
      plot.spec.layout.uirevision = this.key; // zoom and hidden traces last as long as the runs do
      delete plot.spec.layout.height;
    }
    this.drawn = false;
    this.draw();
  }

  async draw() {
    if (!this.Plotly || !Object.keys(this.plots).length) return;
    const began = performance.now();
    this.drawn = true;
    this.chooseLayer();
    for (const [name, plot] of Object.entries(this.plots)) {
      const { data, layout } = structuredClone(plot.spec);
      for (const trace of data) this.fill(trace);
      if (name === "profile") this.captionProfile(layout);
      if (name === "heatmap") colorRange(data, layout);
      if (!this.runs.some((run) => run.series.step.length)) announce(layout, this.data.empty);
      await this.Plotly.react(plot, data, layout, CONFIG);
    }
    this.root.dataset.drawMs = (performance.now() - began).toFixed(1);
  }

  // Fill a trace of the spec with the measured columns that its `meta` names.
  fill(trace) {
    const meta = trace.meta ?? {};
    if (meta.baseline !== undefined) return this.fillBaseline(trace, meta.baseline);
    const run = this.runs[meta.run];
    if (!run) return undefined;
    const series = run.series;
    const layer = this.layer ?? 0;
    if (meta.z) {
      trace.x = series.profiles.map((profile) => profile.step);
      trace.y = range(series.timesteps);
      trace.z = trace.y.map(() => new Array(series.profiles.length));
      series.profiles.forEach((profile, column) =>
        series.layer(profile[meta.z], layer).forEach((value, t) => (trace.z[t][column] = logOf(value))),
      );
    } else if (meta.x === "t") {
      const profile = series.latestProfile();
      const norms = profile?.[meta.y] ? [...series.layer(profile[meta.y], layer)] : [];
      const positive = norms.filter((value) => value > 0 && Number.isFinite(value));
      const floor = (positive.length ? Math.min(...positive) : 1e-37) / 10;
      trace.x = range(norms.length);
      trace.y = norms.map((value) => (value === 0 ? floor : Number.isFinite(value) ? value : null));
      trace.customdata = norms.map((value) => (value === 0 ? "exactly 0" : value.toExponential(2)));
    } else {
      [trace.x, trace.y] = series.line(meta.x, meta.y);
    }
    return undefined;
  }

  fillBaseline(trace, index) {
    const run = this.runs.find((candidate) => candidate.info?.baselines?.[index]);
    if (!run) return;
    const baseline = run.info.baselines[index];
    const last = Math.max(...this.runs.map((candidate) => candidate.series.step.at(-1) ?? 1), 2);
    trace.visible = true;
    trace.name = baseline.name;
    trace.x = [1, last];
    trace.y = [baseline.loss, baseline.loss];
    trace.text = ["", `${baseline.name}: ${number(baseline.loss)}`];
  }

  captionProfile(layout) {
    const steps = this.runs.map((run) => run.series.latestProfile()?.step).filter((step) => step !== undefined);
    if (!steps.length) return;
    const last = [...new Set(steps)].map(count).join(" and ");
    layout.title.text = layout.title.text.replace("the latest step", `step ${last}`);
  }

  chooseLayer() {
    const layers = Math.max(0, ...this.runs.map((run) => run.series.layers));
    this.layerLabel.hidden = layers < 2;
    if (layers && this.layerSelect.options.length !== layers) {
      this.layerSelect.replaceChildren(...range(layers).map((layer) => new Option(String(layer), String(layer - 1))));
      this.layer = null;
    }
    this.layer = Math.min(this.layer ?? layers - 1, layers - 1);
    if (this.layer < 0) this.layer = null;
    else this.layerSelect.value = String(this.layer);
  }

  fit() {
    if (!this.Plotly || !this.drawn) return;
    cancelAnimationFrame(this.fitting);
    this.fitting = requestAnimationFrame(() => {
      for (const plot of Object.values(this.plots)) if (plot.data) this.Plotly.Plots.resize(plot);
    });
  }

  destroy() {
    this.destroyed = true;
    clearTimeout(this.timer);
    this.abort?.abort();
    this.resize.disconnect();
    document.removeEventListener("visibilitychange", this.onVisible);
    for (const plot of Object.values(this.plots)) this.Plotly?.purge(plot);
    this.root.remove();
  }
}

const CONFIG = {
  displaylogo: false,
  responsive: false,
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
  toImageButtonOptions: { format: "svg" },
};

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

// Shared colour range over all maps, from the smallest to the largest finite value; an exact 0 sits at the bottom.
function colorRange(data, layout) {
  let low = Infinity;
  let high = -Infinity;
  for (const trace of data) {
    for (const row of trace.z ?? []) {
      for (const value of row) {
        if (value === null || value === -Infinity) continue;
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
  }
  if (low > high) [low, high] = [-1, 0];
  if (high - low < 0.1) [low, high] = [low - 0.05, high + 0.05];
  layout.coloraxis.cmin = low;
  layout.coloraxis.cmax = high;
  for (const trace of data) {
    for (const row of trace.z ?? []) row.forEach((value, i) => value === -Infinity && (row[i] = low));
  }
}

// log10; null where there is no finite value, -Infinity for an exact 0.
function logOf(value) {
  return Number.isFinite(value) ? Math.log10(value) : null;
}

function announce(layout, text) {
  layout.annotations = [
    ...(layout.annotations ?? []),
    { text, showarrow: false, x: 0.5, y: 0.5, xref: "paper", yref: "paper", font: { size: 14 }, opacity: 0.75 },
  ];
  for (const axis of Object.keys(layout).filter((key) => /^[xy]axis/.test(key))) {
    layout[axis] = { ...layout[axis], showticklabels: false, showgrid: false, range: [0, 1], autorange: false };
  }
  layout.coloraxis &&= { ...layout.coloraxis, showscale: false };
  layout.shapes = [];
  layout.annotations = layout.annotations.filter((annotation) => !String(annotation.text).startsWith("threshold"));
}

function isDark(node) {
  const color = getComputedStyle(node).getPropertyValue("--st-background-color").trim();
  const canvas = document.createElement("canvas").getContext("2d");
  canvas.fillStyle = color || "#ffffff";
  const value = parseInt(canvas.fillStyle.slice(1), 16);
  return ((value >> 16) & 255) * 0.299 + ((value >> 8) & 255) * 0.587 + (value & 255) * 0.114 < 128;
}

function element(tag, className = "", text = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

const range = (length) => Array.from({ length }, (_, index) => index + 1);
const count = (value) => value.toLocaleString("en-US");
const number = (value) => (Number.isFinite(value) ? Number(value.toPrecision(3)).toString() : String(value));

function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
