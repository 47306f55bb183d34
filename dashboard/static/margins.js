// What is said beside a figure's lines, in its margins and below it, so that no words lie on a line or on each other.

import { ACTIVE, element, inWords, range, setText } from "./dom.js";

/** @import { Drawn } from "./rules.js" */
/** @import { Mark } from "./figures.d.ts" */
/** @import { Trace } from "./plotly.d.ts" */

const LETTER_EM = 0.56; // width of a letter, in sizes of type
const ROW_EM = 1.35;
const MOST_ROWS = 2;

/**
 * Names and values of horizontal lines, below the figure, each beside a piece of its line.
 * @param {Drawn} drawn
 */
export function lineNames({ card, data, layout }) {
  const place = card.legend.querySelector(".rgl-lines");
  if (!place) return;
  const lines = data
    .filter(({ meta }) => meta?.fill === "baseline" || meta?.fill === "threshold")
    .map(({ name, y, line }) => ({ name, value: Number(y?.at(-1)), dash: line?.dash ?? "solid" }))
    .filter(({ value }) => value > 0 || layout.yaxis.type !== "log");
  const texts = lines.map(({ name, value }) => `${name}: ${Number(value.toPrecision(3))}`);
  if ([...place.children].map((entry) => entry.textContent).join("\n") === texts.join("\n")) return;
  place.replaceChildren(
    ...lines.map(({ dash }, index) => {
      const sample = element("span", "rgl-dash");
      sample.dataset.dash = dash;
      const entry = element("span", "rgl-entry");
      entry.append(sample, element("span", "", texts[index]));
      return entry;
    }),
  );
}

/**
 * Runs that coincide with the first: they are dashed on it, so that all colours are seen, and the words say it.
 * @param {Drawn} drawn
 */
export function sameSoFar({ card, context, data, empty }) {
  const { runs, view } = context;
  const words = card.legend.querySelector(".rgl-same");
  const others = range(runs.length).slice(0, -1); // indices of all but the first
  const alike = empty
    ? []
    : others.filter((run) => (card.about.steps ? view.alike.includes(run) : drawnAlike(data, run)));
  const over = !runs.some((run) => ACTIVE.has(run.state?.status));
  const whole = card.about.steps || alike.every((run) => view.alike.includes(run));
  const said = whole ? (over ? "at every step" : "so far") : "at this step";
  const several = inWords([0, ...alike].map((run) => runs[run].short ?? runs[run].label));
  const names = runs.length === 2 ? "the two runs" : `${runs[0]?.short ? "runs " : ""}${several}`;
  if (words) setText(words, alike.length ? `${names} are the same ${said}` : "");
  card.legend.classList.toggle("rgl-alike", alike.length > 0);
  for (const trace of data) {
    if (alike.includes(trace.meta?.run ?? 0) && trace.line && (trace.line.dash ?? "solid") === "solid") {
      trace.line = { ...trace.line, dash: "dash" };
    }
  }
}

/**
 * Whether the lines of a run lie on those of the first.
 * @param {Trace[]} data
 * @param {number} run
 */
function drawnAlike(data, run) {
  const [first, own] = [0, run].map((place) =>
    data.filter(({ meta, y }) => meta?.run === place && meta.fill !== "zone" && y?.length),
  );
  return (
    own.length > 0 &&
    own.every(({ y, meta }) =>
      first.some((other) => sameFill(other, meta) && y?.every((value, place) => Object.is(value, other.y?.[place]))),
    )
  );
}

/**
 * Whether a trace shows the same of its run.
 * @param {Trace} trace
 * @param {Trace["meta"]} meta
 */
const sameFill = (trace, meta) => JSON.stringify({ ...trace.meta, run: 0 }) === JSON.stringify({ ...meta, run: 0 });

/**
 * Vertical lines at training steps, named above the figure; a name for which there is no room is left out.
 * @param {Drawn} drawn
 */
export function marks({ card, context, layout }) {
  const { marks: list, palette } = context.view;
  const size = layout.font.size * 0.92;
  const { l, r, t } = layout.margin;
  const { first = 1, last = 2 } = card.room ?? {};
  const width = context.width - l - r;
  const rows = placed(list, (step) => ((step - first) / (last - first || 1)) * width, width, LETTER_EM * size);
  const tallest = Math.max(context.runs.length > 1 ? 0 : -1, ...rows.map((each) => each?.row ?? 0)); // several runs part
  layout.margin.t = Math.max(t, 4 + ROW_EM * size * (1 + tallest));
  layout.shapes = [...(layout.shapes ?? [])];
  layout.annotations = [...(layout.annotations ?? [])];
  for (const [index, { step, text, alert }] of list.entries()) {
    const color = alert ? palette.alert : palette.muted;
    const line = { color, width: 1, dash: "dot" };
    layout.shapes.push({ type: "line", x0: step, x1: step, y0: 0, y1: 1, yref: "paper", line });
    const place = rows[index];
    if (!place) continue;
    layout.annotations.push({
      text,
      x: step,
      xref: "x",
      xanchor: place.anchor,
      y: 1,
      yref: "paper",
      yanchor: "bottom",
      yshift: place.row * ROW_EM * size,
      showarrow: false,
      font: { size, color },
    });
  }
}

/**
 * Rows for the names of marks, from the figure upwards, so that none lies on another: null where there is no room.
 * @param {Mark[]} list the more important ones first
 * @param {(step: number) => number} at pixels from the left edge
 * @param {number} width of the figure
 * @param {number} letter width of one
 */
export function placed(list, at, width, letter) {
  /** @type {[from: number, to: number][][]} */
  const taken = Array.from({ length: MOST_ROWS }, () => []);
  return list.map(({ step, text }) => {
    const length = (text.length + 1) * letter;
    const x = at(step);
    const anchors = x + length <= width ? ["left", "right"] : ["right", "left"];
    for (const [row, others] of taken.entries()) {
      for (const anchor of anchors) {
        const [from, to] = anchor === "left" ? [x, x + length] : [x - length, x];
        if (from < 0 || to > width || others.some((other) => from < other[1] && other[0] < to)) continue;
        others.push([from, to]);
        return { row, anchor };
      }
    }
    return null;
  });
}
