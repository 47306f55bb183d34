// The figures: cards with their options, filled with measured columns, joined by one cursor over training steps.

import { ACTIVE, count, element, inWords, setRich, setText } from "./dom.js";
import { Room } from "./room.js";
import { hasCard } from "./snapshots.js";
import { baselineLabels, colorRange, fill, floorZeros } from "./traces.js";

const SNAPSHOTS = new Set(["predictions", "confusion", "parameters", "gates", "attention"]);

const ROOMY = new Set(["loss", "grad_norm", "profile"]); // redrawn at every refresh

const CONFIG = {
  displaylogo: false,
  doubleClick: "autosize", // what plotly takes for the initial range is that of a figure without a point
  responsive: false,
  // Nothing leaves this machine, so nothing is shared through plotly's cloud; fewer buttons are fewer stops of the Tab key.
  modeBarButtonsToRemove: ["sendChartToCloud", "select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
  toImageButtonOptions: { format: "svg" },
};
const TYPE_PX = 15.2; // type size of the board for which the figures were designed

export class Plots {
  // hooks: {hover(step), unhover(), click(step)} for the cursor.
  constructor(hooks) {
    this.hooks = hooks;
    this.root = element("div", "rgl-grid");
    this.cards = {};
    this.resize = new ResizeObserver(() => this.fit());
    this.resize.observe(this.root);
    this.watch = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        target.card.visible = isIntersecting;
        if (isIntersecting && target.card.stale) this.redraw(target.card.name);
      }
    });
  }

  // Take up new specs; zoom and hidden traces last as long as `revision` stays the same.
  open(Plotly, figures, words, revision, projector) {
    this.Plotly = Plotly;
    const { fontFamily: family, fontSize } = getComputedStyle(this.root);
    for (const [name, spec] of Object.entries(figures)) {
      this.cards[name] ??= this.card(name, words[name]);
      const card = this.cards[name];
      card.spec = structuredClone(spec);
      card.layout = null;
      card.room &&= new Room();
      const layout = card.spec.layout;
      delete layout.title; // the card's own heading says it
      delete layout.height;
      layout.showlegend = false; // so does its own legend; plotly would lay one out at every update
      const maps = spec.data[0]?.type === "heatmap"; // their names stand above them
      layout.margin = { ...layout.margin, t: maps ? 24 * namesLines(layout) : 10, b: 40 };
      for (const [key, axis] of Object.entries(layout)) if (/^[xy]axis/.test(key)) axis.automargin = false;
      layout.font.family = family;
      layout.uirevision = revision;
      if (projector) enlarge(card.spec, parseFloat(fontSize) / TYPE_PX);
      card.stale = true;
    }
  }

  card(name, words) {
    const root = element("section", "rgl-card");
    const heading = element("header", "rgl-card-head");
    const titles = element("div", "rgl-titles");
    const subtitle = element("span", "rgl-subtitle");
    setRich(subtitle, words.subtitle.replace("{step}", "the latest step").replace("at step the", "at the"));
    titles.append(element("h3", "", words.title), subtitle);
    heading.append(titles);
    const options = {};
    if (words.options.length) {
      const menu = element("details", "rgl-options");
      menu.append(element("summary", "", "Options"));
      const panel = element("div", "rgl-panel");
      for (const option of words.options) {
        options[option.key] = option.on;
        const label = element("label");
        const box = element("input");
        Object.assign(box, { type: "checkbox", checked: option.on });
        box.onchange = () => {
          options[option.key] = box.checked;
          card.room &&= new Room();
          this.redraw(name);
        };
        label.title = option.help;
        label.dataset.option = option.key;
        label.append(box, element("span", "", ` ${option.label}`));
        panel.append(label);
      }
      menu.append(panel);
      heading.append(menu);
    }
    const plot = element("div", "rgl-plot");
    plot.dataset.figure = name;
    plot.setAttribute("role", "img");
    plot.setAttribute("aria-label", words.alt);
    const frame = element("div", "rgl-frame");
    frame.append(plot);
    const legend = element("div", "rgl-legend");
    root.append(heading, frame, legend);
    this.root.append(root);
    const card = { name, root, plot, frame, legend, subtitle, words, options, cursors: [], steps: words.steps };
    if (ROOMY.has(name)) card.room = new Room();
    plot.card = card;
    this.watch.observe(plot);
    return card;
  }

  // Put the figures named in `first` before all others and switch on `options`, each "figure.option".
  arrange({ first, options }) {
    const asked = JSON.stringify([first, options]);
    if (asked === this.asked) return;
    this.asked = asked;
    const order = new Set([...first, ...Object.keys(this.cards)]);
    this.root.append(...[...order].map((name) => this.cards[name].root));
    for (const path of options) {
      const [name, key] = path.split(".");
      this.cards[name].options[key] = true;
      this.cards[name].root.querySelector(`[data-option="${key}"] input`).checked = true;
    }
  }

  // Name the runs in every card but the maps, which have their names above them.
  name(runs, colors) {
    for (const card of Object.values(this.cards)) {
      if (card.spec.data[0]?.type === "heatmap") continue;
      const entries = runs.map((run, index) => {
        const swatch = element("span", "rgl-swatch");
        swatch.style.background = colors[index];
        const entry = element("span", "rgl-entry");
        entry.title = run.label;
        entry.append(swatch, element("span", "", run.short ?? run.label), element("span", "rgl-share"));
        return entry;
      });
      const aside = { predictions: "dots: target", gates: gateWords(runs) }[card.name];
      if (aside) entries.push(element("span", "rgl-aside", aside));
      card.legend.replaceChildren(...entries);
    }
  }

  // Draw figures (all, or those named) from the runs. view: {layer, cursor, theme palette, empty text}.
  async draw(runs, view, names = Object.keys(this.cards)) {
    const snapshots = runs.map((run) => run.snapshots.at(view.cursor));
    for (const name of names) {
      const card = this.cards[name];
      card.root.hidden = !hasCard(name, snapshots);
      if (card.root.hidden) continue;
      // Drawn once it comes into view; without a size (the page is being rebuilt) plotly would draw NaN.
      card.stale = !card.plot.offsetWidth || (!card.visible && card.plot._fullLayout !== undefined);
      if (card.stale) continue;
      const traces = card.spec.data.map((trace) => ({ ...trace })); // what plotly finds again, it does not compare
      const layout = structuredClone(card.spec.layout);
      const context = { runs, view, snapshots, options: card.options, width: card.plot.offsetWidth };
      for (const trace of traces) fill(trace, context);
      const data = traces.filter((trace) => trace.visible !== false); // plotly spends as much on hidden ones
      this.showOptions(card, runs);
      if (name === "loss") {
        if (!card.options.log) layout.yaxis.type = "linear";
        layout.annotations = baselineLabels(data, layout);
      }
      if (name === "heatmap") colorRange(data, layout);
      if (name === "profile") {
        floorZeros(data, layout);
        this.captionProfile(card, context, layout);
      }
      if (name === "grad_norm") captionClipping(card, runs);
      if (name === "heatmap") captionOverhead(card, runs);
      if (SNAPSHOTS.has(name)) captionSnapshot(card, snapshots, layout, name);
      if (name === "parameters") roomForNames(data, layout);
      if (card.steps && name !== "heatmap") marks(layout, view.marks, view.palette);
      if (!runs.some((run) => run.series.step.length)) announce(layout, view.empty);
      else if (card.room) makeRoom(card, data, layout, runs);
      // On the same axes plotly needs to move only the lines, which it does under a transition, here of no time.
      const key = JSON.stringify([layout, data.map((trace) => trace.mode), card.room]);
      const moved = card.room && key === card.layout;
      if (moved) layout.transition = { duration: 0 };
      card.layout = key;
      const drawn = this.Plotly.react(card.plot, data, layout, CONFIG);
      if (!moved) await drawn; // a transition that the reader's zoom interrupts never ends
      if (card.steps) this.listen(card);
    }
    this.moveCursor(view.cursor);
  }

  // Of these figures those in view; the others are drawn once they come into view.
  inView(names) {
    return names.filter((name) => {
      const card = this.cards[name];
      card.stale ||= !card.visible;
      return card.visible && !card.root.hidden;
    });
  }

  // Options that no run on the board has anything for are not offered.
  showOptions(card, runs) {
    for (const label of card.root.querySelectorAll("[data-option]")) {
      const key = label.dataset.option;
      if (key === "cell") label.hidden = !runs.some((run) => run.cell === "lstm");
      if (key === "bound") label.hidden = !runs.some((run) => run.cell === "rnn");
      if (key === "after" || key === "scaled") label.hidden = !runs.some((run) => run.clipped);
    }
  }

  captionProfile(card, { runs, view }, layout) {
    const steps = runs.map((run) => run.series.profileAt(view.cursor)?.step).filter((step) => step !== undefined);
    const said = steps.length ? inWords([...new Set(steps)].map(count)) : null;
    const text = said
      ? card.words.subtitle.replace("{step}", said)
      : card.words.subtitle.replace("step {step}", "the latest step");
    setRich(card.subtitle, text);
    if (card.options.lag) layout.xaxis.title.text = "lag T − t (0: the last timestep)";
  }

  // The cursor is a line of its own over the plots: moving it redraws nothing.
  moveCursor(step) {
    for (const card of Object.values(this.cards)) {
      if (!card.steps || !card.plot._fullLayout) continue;
      const axes = Object.values(card.plot._fullLayout._plots ?? {});
      axes.forEach(({ xaxis, yaxis }, index) => {
        card.cursors[index] ??= card.frame.appendChild(element("div", "rgl-cursor"));
        const line = card.cursors[index];
        const at = step === null ? NaN : xaxis.l2p(step);
        const visible = at >= 0 && at <= xaxis._length;
        line.hidden = !visible;
        if (!visible) return;
        line.style.transform = `translateX(${xaxis._offset + at}px)`;
        line.style.top = `${yaxis._offset}px`;
        line.style.height = `${yaxis._length}px`;
      });
    }
  }

  listen(card) {
    if (card.listening) return;
    card.listening = true;
    card.plot.on("plotly_hover", (event) => this.hooks.hover(stepOf(event)));
    card.plot.on("plotly_unhover", () => this.hooks.unhover());
    card.plot.on("plotly_click", (event) => this.hooks.click(stepOf(event)));
    card.plot.on("plotly_relayout", () => this.hooks.moved());
  }

  fit() {
    if (!this.Plotly) return;
    cancelAnimationFrame(this.fitting);
    this.fitting = requestAnimationFrame(async () => {
      const drawn = Object.values(this.cards).filter(({ plot }) => plot._fullLayout && plot.offsetWidth);
      await Promise.all(drawn.map(({ plot }) => this.Plotly.Plots.resize(plot)));
      this.hooks.moved();
    });
  }

  destroy() {
    this.resize.disconnect();
    this.watch.disconnect();
    for (const { plot } of Object.values(this.cards)) this.Plotly?.purge(plot);
  }
}

// The training step of a point: a column of a map stands at about its step.
function stepOf({ points: [point] }) {
  return typeof point.customdata === "number" ? point.customdata : point.x;
}

// How many lines the longest name above a map takes.
function namesLines(layout) {
  return Math.max(1, ...(layout.annotations ?? []).map(({ text }) => text.split("<br>").length * 0.8));
}

function gateWords(runs) {
  const cells = new Set(runs.map((run) => run.cell));
  const words = [];
  if (cells.has("lstm")) words.push("LSTM: solid input, dashed forget, dotted output");
  if (cells.has("gru")) words.push("GRU: solid reset, dashed update");
  return words.join("; ");
}

// How often clipping acted lately: in the subtitle of one clipped run, else beside the names in the legend.
function captionClipping(card, runs) {
  const known = runs.map((run) => (run.clipped ? run.state?.insights?.clipped : null));
  const shares = known.map((share) => (typeof share === "number" ? `${Math.round(share * 100)} %` : ""));
  const told = shares.filter(Boolean);
  const words =
    told.length > 1
      ? "; in brackets: share of late steps clipped"
      : told.map((share) => `; lately ${share} clipped`).join("");
  setRich(card.subtitle, card.words.subtitle + words);
  card.legend.querySelectorAll(".rgl-share").forEach((node, index) => {
    setText(node, told.length > 1 && shares[index] ? `(${shares[index]})` : "");
  });
}

function captionOverhead(card, runs) {
  const costs = runs.map((run) => run.state?.insights?.recording_overhead).filter((cost) => typeof cost === "number");
  const most = Math.max(...costs);
  const text = costs.length
    ? `recording these profiles costs ${most < 0.001 ? "under 0.1" : (most * 100).toFixed(1)} % of the time`
    : "";
  if (card.legend.textContent !== text) card.legend.replaceChildren(element("span", "rgl-aside", text));
}

function captionSnapshot(card, snapshots, layout, name) {
  const steps = [...new Set(snapshots.filter(Boolean).map((snapshot) => snapshot.step))];
  setRich(card.subtitle, card.words.subtitle.replace("{step}", inWords(steps.map(count))));
  const curves = snapshots.find((snapshot) => snapshot?.predictions?.kind === "regression")?.predictions;
  if (name === "predictions" && curves?.per_step) layout.xaxis.title.text = "timestep t of the first sequence";
}

// On the left as much room as the longest name of a parameter needs.
function roomForNames(data, layout) {
  const longest = Math.max(0, ...data.flatMap(({ y }) => (y ?? []).map((name) => name.length)));
  layout.margin.l = Math.max(layout.margin.l, 14 + 0.56 * longest * layout.yaxis.tickfont.size);
}

function makeRoom(card, data, layout, runs) {
  const log = layout.yaxis.type === "log";
  const training = runs.some((run) => run.state && ACTIVE.has(run.state.status));
  const steps = training ? Math.max(...runs.map((run) => run.state?.steps ?? 0)) : null;
  const T = Math.max(...runs.map((run) => run.series.timesteps));
  const first = card.steps || !card.options.lag ? 1 : 0;
  if (card.steps) card.room.fit(data, log, first, Math.max(...runs.map((run) => run.series.step.at(-1) ?? 1)), steps);
  else card.room.fit(data, log, first, first + T - 1, null);
  for (const trace of data) if (trace.meta?.baseline !== undefined) trace.x = [first, card.room.last]; // up to its name
  const decades = card.room.decades();
  if (decades > 0.6 && decades < 2.5) layout.yaxis.dtick = "D2"; // 1, 2, 5
  data.push(card.room.corners(data.some((trace) => trace.mode !== "lines")));
}

// Vertical marks at training steps: where twins part, where a run diverged, where a setting was changed.
function marks(layout, list, palette) {
  layout.shapes = [...(layout.shapes ?? [])];
  layout.annotations = [...(layout.annotations ?? [])];
  list.forEach(({ step, text, alert, late }, index) => {
    const color = alert ? palette.alert : palette.muted;
    layout.shapes.push({
      type: "line",
      x0: step,
      x1: step,
      y0: 0,
      y1: 1,
      yref: "paper",
      line: { color, width: 1, dash: "dot" },
    });
    layout.annotations.push({
      text,
      x: step,
      xref: "x",
      y: 1 - (index % 4) * 0.08,
      yref: "paper",
      yanchor: "top",
      xanchor: late ? "right" : "left",
      showarrow: false,
      font: { size: layout.font.size * 0.92, color },
    });
  });
}

function announce(layout, text) {
  for (const axis of Object.keys(layout).filter((key) => /^[xy]axis/.test(key))) {
    layout[axis] = {
      ...layout[axis],
      showticklabels: false,
      ticks: "",
      showgrid: false,
      range: [0, 1],
      autorange: false,
    };
  }
  layout.coloraxis &&= { ...layout.coloraxis, showscale: false };
  layout.shapes = [];
  layout.annotations = [
    {
      text,
      showarrow: false,
      x: 0.5,
      y: 0.5,
      xref: "paper",
      yref: "paper",
      font: { size: layout.font.size * 1.15 },
      opacity: 0.8,
    },
  ];
}

function enlarge(node, factor) {
  for (const [key, value] of Object.entries(node)) {
    if (key === "margin") for (const side of Object.keys(value)) value[side] *= factor;
    else if (key === "size" && typeof value === "number" && value >= 10) node[key] = value * factor;
    else if (key === "width" && typeof value === "number" && value < 10) node[key] = value * factor;
    else if (value && typeof value === "object") enlarge(value, factor);
  }
}
