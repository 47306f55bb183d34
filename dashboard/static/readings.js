// The pictures of one reading of an instrument: figures, rows and columns of a map, texts with tinted letters.

import { button, count, element, setRich, setText } from "./dom.js";
import { corner, cornerLabel } from "./full_screen.js";

/** @import { Picture, ReadingAnswer } from "./instruments.d.ts" */
/** @import { Layout, Plotly, PlotElement, Trace } from "./plotly.d.ts" */

const CONFIG = {
  displaylogo: false,
  responsive: false, // the window's size is not all that a figure's depends on
  modeBarButtonsToRemove: ["sendChartToCloud", "select2d", "lasso2d"],
};
/** @type {Record<string, string>} */
const SIGNS = { space: "␣", newline: "⏎", tab: "⇥" };
const ROLL_MS = 2500;
const WIDE = 480; // pixels, from which on a surface is seen from as near as it says
const LARGER = 1.7; // type of a figure that fills the screen
const STRONGEST = 55; // percent of colour: the letter on it is to be read
/** @type {WeakMap<HTMLElement, [number, number]>} */
const pointed = new WeakMap(); // row and column of a map that were pointed at last
/** @type {WeakMap<Element, Plotly>} */
const drawnBy = new WeakMap();
/** @type {ResizeObserver | null} */
let sizes = null;
const DECADES = 4; // below the strongest character of a text, after which there is no tint

/**
 * Draw a reading into a node, in place of what was there. Returns what it needs plotly's memory for.
 * @param {HTMLElement} node
 * @param {ReadingAnswer} answer
 * @param {(whole: boolean) => Promise<Plotly>} plotly the small one, or the one that draws everything
 * @param {string} whose it is: the run and the step, which a figure that fills the screen says too
 */
export async function drawReading(node, answer, plotly, whose) {
  const before = new Map(
    [...node.querySelectorAll(".rgl-picture")].map((place) => [place.getAttribute("data-key"), place]),
  );
  const places = answer.pictures.map((picture) => {
    const own = before.get(picture.key); // drawn over: plotly keeps what is known of it, and nothing flashes
    const place = own instanceof HTMLElement && picture.spec ? own : pictureOf(picture);
    nameOf(place, picture, whose);
    return { picture, place };
  });
  const words = element("div", "rgl-instrument-words");
  for (const sentence of [answer.undefined, ...answer.said]) if (sentence) words.append(element("p", "", sentence));
  const notes = element("div", "rgl-instrument-words");
  for (const note of answer.notes) notes.append(element("p", "rgl-aside", note));
  const wanted = [words, ...places.map(({ place }) => place), notes];
  const stay =
    node.childElementCount === wanted.length && places.every(({ place }, at) => node.children[at + 1] === place);
  if (stay) node.children[0].replaceWith(words);
  if (stay) node.children[wanted.length - 1].replaceWith(notes);
  else node.replaceChildren(...wanted);
  for (const { picture, place } of places) {
    if (picture.letters) drawLetters(place, picture);
    else if (picture.spec) await drawFigure(place, picture, await plotly(picture.whole));
  }
}

/** @param {Picture} picture */
function pictureOf({ key, letters }) {
  const place = element("div", "rgl-picture");
  place.dataset.key = key;
  const heading = element("h4");
  heading.append(element("span", "rgl-title"), element("span", "rgl-whose")); // a row of parts with gaps between them
  const full = letters ? null : corner(place, "");
  if (full) heading.append(full);
  const plot = element("div", letters ? "rgl-letters" : "rgl-plot");
  plot.setAttribute("role", letters ? "group" : "figure");
  place.append(heading, plot);
  return place;
}

/**
 * Say what a picture shows, which another unit or another step changes: its heading, and its names for screen readers.
 * @param {HTMLElement} place
 * @param {Picture} picture
 * @param {string} whose
 */
function nameOf(place, { title, help }, whose) {
  const part = (/** @type {string} */ of) => /** @type {HTMLElement | null} */ (place.querySelector(of));
  const text = part("h4 > .rgl-title");
  if (text) setRich(text, title);
  const run = part("h4 > .rgl-whose");
  if (run) setText(run, whose);
  part("h4 > .rgl-corner")?.setAttribute("aria-label", cornerLabel(text?.textContent ?? ""));
  part(":scope > :is(.rgl-plot, .rgl-letters)")?.setAttribute("aria-label", help);
}

/**
 * Fit a figure to its place whenever that changes: the window, the sidebar, the whole screen.
 * @param {PlotElement} plot of a height that its content does not change
 * @param {Plotly} Plotly by which it is drawn
 */
function fits(plot, Plotly) {
  drawnBy.set(plot, Plotly);
  sizes ??= new ResizeObserver((entries) => {
    requestAnimationFrame(() => {
      for (const { target } of entries) fit(/** @type {PlotElement} */ (target));
    });
  });
  sizes.observe(plot);
}

/** @param {PlotElement} plot */
function fit(plot) {
  const { _fullLayout: drawn, offsetWidth: width, offsetHeight: height } = plot;
  const same = drawn?.width === width && drawn.height === height;
  if (drawn && width && height && !same) drawnBy.get(plot)?.Plots.resize(plot);
}

/**
 * @param {HTMLElement} place
 * @param {Picture} picture
 * @param {Plotly} Plotly
 */
async function drawFigure(place, picture, Plotly) {
  const { spec, slices, rolls } = picture;
  const plot = /** @type {PlotElement} */ (place.querySelector(".rgl-plot"));
  if (!spec) return;
  place.onfullscreenchange = async () => {
    await drawFigure(place, picture, Plotly);
    for (const each of place.querySelectorAll(".js-plotly-plot")) fit(/** @type {PlotElement} */ (each));
  };
  const font = { ...spec.layout.font, family: getComputedStyle(place).fontFamily };
  const own = { ...further(spec.layout, plot.offsetWidth), font, uirevision: "stays" }; // how it was turned and zoomed
  const by = document.fullscreenElement === place ? LARGER : 1;
  const layout = enlarged(own, by);
  await Plotly.react(plot, enlarged(spec.data, by), layout, CONFIG);
  fits(plot, Plotly);
  if (slices) addSlices(place, plot, layout, Plotly);
  if (rolls && !place.querySelector(".rgl-roll")) {
    const start = button("Roll", "Let two balls go the ways of the run and its twin once more", () =>
      roll(plot, Plotly),
    );
    start.classList.add("rgl-roll");
    place.append(start);
  }
}

/**
 * A layout whose surface is seen from further away in a narrow place, so that its axes keep their titles.
 * @param {Layout} layout
 * @param {number} width of the place
 * @returns {Layout}
 */
export function further(layout, width) {
  const scene = /** @type {{ camera: { eye: Record<string, number> } } | undefined} */ (layout.scene);
  if (!scene || !width || width >= WIDE) return layout;
  const eye = Object.entries(scene.camera.eye).map(([axis, at]) => [axis, (at * WIDE) / width]);
  return { ...layout, scene: { ...scene, camera: { ...scene.camera, eye: Object.fromEntries(eye) } } };
}

/**
 * A layout, or traces, with larger type and more room for it. What is drawn in three dimensions grows by itself.
 * @template T
 * @param {T} layout
 * @param {number} by
 * @returns {T}
 */
export function enlarged(layout, by) {
  if (Array.isArray(layout)) return /** @type {T} */ (layout.map((each) => enlarged(each, by)));
  if (layout === null || typeof layout !== "object") return layout;
  const entries = Object.entries(layout).map(([key, value]) => {
    if (key === "size" && typeof value === "number") return [key, value * by];
    if (key !== "margin") return [key, key === "scene" ? value : enlarged(value, by)];
    return [key, Object.fromEntries(Object.entries(value).map(([side, px]) => [side, px * by]))];
  });
  return Object.fromEntries(entries);
}

/**
 * Below a map two lines: the row and the column that the pointer is at, at first those of the last row.
 * @param {HTMLElement} place
 * @param {PlotElement} plot
 * @param {Layout} layout of the map
 * @param {Plotly} Plotly
 */
function addSlices(place, plot, layout, Plotly) {
  const known = place.querySelector(".rgl-slices");
  const below = /** @type {PlotElement} */ (known ?? element("div", "rgl-plot rgl-slices"));
  const words = place.querySelector("p") ?? element("p", "rgl-aside");
  if (!known) place.append(below, words);
  const [map] = /** @type {Trace[]} */ (plot._fullData ?? []);
  const [rows] = (layout.yaxis.title.text ?? "").split(" "); // a loss step, or an output where no loss is known
  const draw = (/** @type {number} */ row, /** @type {number} */ column) => {
    const found = slicesOf(map, row, column, rows);
    const axis = {
      ...layout.yaxis,
      title: { ...layout.yaxis.title, text: "log₁₀" },
      range: undefined,
      autorange: true,
    };
    const spec = {
      ...layout,
      yaxis: axis,
      xaxis: { ...layout.xaxis, title: { ...layout.xaxis.title, text: "timestep" } },
      hovermode: "x unified",
    };
    words.textContent = found.words;
    fits(below, Plotly);
    return Plotly.react(below, found.traces, /** @type {Layout} */ (spec), CONFIG);
  };
  const last = rowsOf(map).length - 1;
  const [row, column] = pointed.get(place) ?? [last, 0];
  draw(Math.min(row, last), column);
  plot.removeAllListeners?.("plotly_hover");
  plot.on("plotly_hover", ({ points: [point] }) => {
    const at = /** @type {[number, number]} */ (point.pointNumber ?? [0, 0]);
    pointed.set(place, at);
    draw(...at);
  });
}

/**
 * The row of a loss step, or of an output, and the column of a state, as lines, and what they are in words.
 * @param {Trace} map
 * @param {number} row
 * @param {number} column
 * @param {string} what stands in a row
 */
export function slicesOf(map, row, column, what) {
  const rows = rowsOf(map);
  const [x, y] = [Array.from(map.x ?? []), Array.from(map.y ?? [])];
  const own = Array.from(rows[row] ?? []);
  const others = rows.map((each) => each[column] ?? null);
  /** @type {Trace[]} */
  const traces = [
    { type: "scatter", mode: "lines", name: `${what} at τ = ${y[row]}, over t`, x, y: own },
    {
      type: "scatter",
      mode: "lines",
      name: `state at t = ${x[column]}, over τ`,
      x: y,
      y: others,
      line: { dash: "dot" },
    },
  ];
  const words =
    `Solid: what the ${what} at τ = ${y[row]} teaches each state. ` +
    `Dotted: what each ${what} teaches the state at t = ${x[column]}.`;
  return { traces, words };
}

/**
 * The rows of a map; plotly keeps what it was sent in one piece as typed arrays.
 * @param {Trace} map
 * @returns {ArrayLike<number | null>[]}
 */
const rowsOf = (map) => Array.from(map.z ?? []);

/**
 * Let each ball roll along the way that is drawn before it.
 * @param {PlotElement} plot
 * @param {Plotly} Plotly
 */
function roll(plot, Plotly) {
  const traces = /** @type {Trace[]} */ (plot._fullData ?? []);
  const balls = traces.flatMap((trace, index) => (trace.meta?.fill === "ball" ? [index] : []));
  const began = performance.now();
  const frame = async () => {
    const share = Math.min(1, (performance.now() - began) / ROLL_MS);
    const places = balls.map((index) => placeOn(traces[index - 1], share));
    await Plotly.restyle(
      plot,
      { x: places.map(([x]) => [x]), y: places.map(([, y]) => [y]), z: places.map(([, , z]) => [z]) },
      balls,
    );
    if (share < 1 && plot.isConnected) requestAnimationFrame(frame);
  };
  frame();
}

/**
 * The point of a way after a share of its steps; on a surface it has a third number.
 * @param {{ x?: unknown, y?: unknown, z?: unknown }} way
 * @param {number} share
 */
export function placeOn(way, share) {
  const at = (/** @type {unknown} */ list) => {
    const values = Array.from(/** @type {ArrayLike<number>} */ (list ?? []));
    return values[Math.round(share * (values.length - 1))];
  };
  return [at(way.x), at(way.y), at(way.z)];
}

/**
 * A text: pointing at a character, or going to it with the Tab key, tints those by which its prediction is taught.
 * @param {HTMLElement} place
 * @param {Picture} picture
 */
function drawLetters(place, { letters = [], rows = [] }) {
  const box = /** @type {HTMLElement} */ (place.querySelector(".rgl-letters"));
  const words = element("p", "rgl-aside");
  const buttons = letters.map((letter, index) => {
    const node = element("button", "rgl-letter", SIGNS[letter] ?? letter);
    node.type = "button";
    node.onpointerenter = node.onfocus = () => tint(index);
    return node;
  });
  const tint = (/** @type {number} */ chosen) => {
    const tints = tintsOf(rows[chosen] ?? []);
    for (const [index, node] of buttons.entries()) {
      node.style.setProperty("--tint", `${Math.round(STRONGEST * (tints[index] ?? 0))}%`);
      node.classList.toggle("rgl-chosen", index === chosen);
    }
    const next = letters[chosen + 1];
    words.textContent =
      `Tinted: the characters that the prediction after character ${chosen + 1}` +
      `${next === undefined ? "" : ` (“${next}”)`} depends on; each full step of tint is a factor of ten.`;
  };
  box.append(...buttons);
  place.append(words);
  tint(Math.max(0, letters.length - 1));
}

/**
 * How strongly characters are tinted, from 0 to 1, by the logarithms of their gradients.
 * @param {(number | null)[]} row
 */
export function tintsOf(row) {
  const strongest = Math.max(...row.map((value) => value ?? -Infinity));
  return row.map((value) => (value === null ? 0 : Math.max(0, 1 - (strongest - value) / DECADES)));
}

/**
 * At which step a reading was made, in words.
 * @param {number} step before whose update it was
 * @param {number} last step that was done
 */
export const when = (step, last) => (step > last ? `after step ${count(step - 1)}` : `at step ${count(step)}`);

/**
 * The same in a sentence: an instrument looks at the weights before the update of its step.
 * @param {number} step before whose update it was
 * @param {number} last step that was done
 */
export const whenInFull = (step, last) =>
  step > last
    ? `After step ${count(step - 1)}: the network as step ${count(step - 1)} left it, on the next batch.`
    : `At step ${count(step)}: the network before the update of this step, on its batch.`;

/**
 * A formula in plain characters with its subscripts marked: `h_t` and `Q_{t-1}`.
 * @param {string} formula
 */
export const withSubscripts = (formula) => formula.replace(/_(?:\{([^}]*)\}|(\p{L}+))/gu, "<sub>$1$2</sub>");
