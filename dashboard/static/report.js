// The report: the board's figures over records that stand in the page, without a server.

import { count, element, setText } from "./dom.js";
import { marksOf } from "./marks.js";
import { Plots } from "./plots.js";
import { firstDifference, Series } from "./series.js";
import { Snapshots } from "./snapshots.js";

// data: {runs: [{label, cell, clipped, info, answer, snapshots}], figures, colors, palette by theme, words, twins}
export function show(root, data, Plotly) {
  const runs = data.runs.map((run) => {
    const series = new Series();
    series.append(run.answer);
    const snapshots = new Snapshots(null); // all there are stand in the page
    snapshots.kept = run.snapshots;
    return { ...run, series, snapshots, state: run.answer };
  });
  const last = Math.max(0, ...runs.map((run) => run.series.step.at(-1) ?? 0));
  const layers = Math.max(0, ...runs.map((run) => run.series.layers));
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const theme = () => (dark.matches ? "dark" : "light");
  const state = { layer: layers ? layers - 1 : null, pinned: null, hovered: null };
  const travelling = Object.keys(data.words).filter((name) => !data.words[name].steps); // figures of one step
  const twins = data.twins && runs.length === 2;
  const list = marksOf(runs, twins ? firstDifference(runs[0].series, runs[1].series) : null);

  const view = () => ({
    layer: state.layer,
    cursor: state.hovered ?? state.pinned,
    palette: data.palette[theme()],
    empty: "Nothing was recorded",
    marks: list,
  });
  const draw = (names) => plots.draw(runs, view(), names);
  const travel = () => {
    const step = state.hovered ?? state.pinned ?? last;
    setText(when, `step ${count(step)} of ${count(last)}`);
    if (document.activeElement !== scrubber) scrubber.value = String(step);
    draw(travelling);
  };
  const hover = (step) => {
    state.hovered = step;
    travel();
  };
  const pin = (step) => {
    state.pinned = step === null ? null : Math.min(Math.max(1, Math.round(step)), last);
    travel();
  };

  const plots = new Plots({
    hover: (step) => hover(step),
    unhover: () => hover(null),
    click: (step) => pin(step === state.pinned ? null : step),
    moved: () => plots.moveCursor(view().cursor),
  });
  plots.redraw = (name) => draw([name]);
  const timeline = element("div", "rgl-timeline");
  const scrubber = element("input", "rgl-scrubber");
  Object.assign(scrubber, { type: "range", min: "1", max: String(Math.max(last, 1)), step: "1" });
  scrubber.setAttribute("aria-label", "training step shown");
  scrubber.value = String(last);
  scrubber.oninput = () => pin(Number(scrubber.value));
  const when = element("span", "rgl-when");
  timeline.append(scrubber, when);
  const chooseLayer = (layer) => {
    state.layer = layer;
    draw();
  };
  if (layers > 1) timeline.append(layerChoice(layers, chooseLayer));
  root.append(timeline, plots.root);

  const open = () => {
    const name = theme();
    plots.open(Plotly, data.figures[name], data.words, "report", false);
    plots.name(runs, data.colors[name]);
    document.querySelectorAll("[data-run-color]").forEach((swatch) => {
      swatch.style.background = data.colors[name][Number(swatch.dataset.runColor)];
    });
    travel();
    return draw();
  };
  dark.addEventListener("change", open);
  return open();
}

function layerChoice(layers, choose) {
  const label = element("label", "rgl-field", "Layer ");
  const select = element("select");
  for (let layer = 1; layer <= layers; layer++) select.append(new Option(String(layer), String(layer - 1)));
  select.value = String(layers - 1);
  select.onchange = () => choose(Number(select.value));
  label.append(select);
  return label;
}
