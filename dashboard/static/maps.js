// Maps side by side, one a run: names, numbers and the space between them fit a card of any size.

/** @import { Drawn } from "./rules.js" */
/** @import { Annotation, AxisLayout, Font, Layout, Trace } from "./plotly.d.ts" */
/** @import { Run } from "./types.d.ts" */

// In sizes of type:
const LETTER = 0.56; // width of a letter
const LINE = 1.25; // height of a line
const BAR = 6; // the colour bar with its numbers
const BELOW = 1.6; // numbers below a map
const APART = 0.4; // a map and the names below it, where there is no room for numbers
const LEAST = 3; // height of a map beside names in full

const TICK_PX = 5;
const MOST_LINES = 3;
const FEW = 5; // rows that have a number each
const SHORT = 4; // letters of a name that is as good as a number
const MOST_BELOW = 0.35; // share of the height that names below maps may take

/** @param {Drawn} drawn */
export function mapGrid({ context, data, layout }) {
  const { runs, width, height } = context;
  const { size } = layout.font;
  const columns = Math.min(layout.meta?.columns ?? 1, runs.length);
  const rows = Math.ceil(runs.length / columns);
  const free = width - layout.margin.l - layout.margin.r - BAR * size;
  const digits = Math.max(...data.map(lastLabel));
  const gap = Math.min(((digits + 1) * LETTER * 0.5 + 0.8) * size, free / 6);
  const map = (free - gap * (columns - 1)) / columns;
  const axisTitles = takeTitles(layout);
  // Names that do not fit side by side stand upright below the only row of maps; below several they are left out, since
  // rows and columns have the same ones.
  const longest = Math.max(0, ...data.map(longestName));
  const cells = Math.max(1, ...data.map(({ x }) => x?.length ?? 0));
  const upright = longest > SHORT && (longest + 1) * LETTER * size > map / cells;
  const below = upright && rows === 1 ? longest * LETTER * size : BELOW * size;
  const nameless = upright && (rows > 1 || below > MOST_BELOW * height);
  layout.margin.b = Math.max(layout.margin.b, (nameless ? APART * size : below) + 1.5 * size + TICK_PX);

  const inFull = runs.map((run) => wrapped(run.label, (map + gap) / size / LETTER - 1));
  const tallest = Math.max(...inFull.map((lines) => lines.length));
  const numbers = BELOW * size + TICK_PX;
  const heightWith = (/** @type {number} */ lines, below = numbers) =>
    (height - layout.margin.b - rows * (lines * LINE + 0.4) * size - (rows - 1) * below) / rows;
  const whole = inFull.every((each) => each.length) && tallest <= MOST_LINES && heightWith(tallest) >= LEAST * size;
  const lines = whole ? tallest : 1;
  const names = whole ? inFull.map((each) => each.join("<br>")) : runs.map(mark);
  layout.margin.t = (lines * LINE + 0.4) * size;
  const tight = nameless || heightWith(lines) < LEAST * size; // then the lowest maps alone have numbers below them
  const tall = heightWith(lines, tight ? APART * size : numbers);
  const [across, down] = [map / free, tall / (height - layout.margin.t - layout.margin.b)];

  for (const [index, name] of names.entries()) {
    const [row, column] = [Math.floor(index / columns), index % columns];
    const left = columns > 1 ? (column * (1 - across)) / (columns - 1) : 0;
    const low = rows > 1 ? ((rows - 1 - row) * (1 - down)) / (rows - 1) : 0;
    const suffix = index ? String(index + 1) : "";
    const [x, y] = [axis(layout, `xaxis${suffix}`), axis(layout, `yaxis${suffix}`)];
    x.domain = [left, left + across];
    y.domain = [low, low + down];
    const letters = x.type === "category" ? 2 : digits;
    x.nticks = Math.max(2, Math.round(map / ((letters * LETTER + 0.8) * size)));
    if (upright) Object.assign(x, { tickangle: -90, automargin: false, nticks: Math.floor(map / (LINE * size)) });
    if (nameless || (tight && row < rows - 1)) x.showticklabels = false;
    if (y.type !== "category") y.nticks = Math.max(2, Math.floor((tall / size) * 0.75));
    if (y.type !== "category" && (data[index]?.y?.length ?? FEW) < FEW) y.dtick = 1; // no half timesteps
    Object.assign(/** @type {Annotation[]} */ (layout.annotations)[index], {
      text: name,
      x: left + across / 2,
      y: low + down,
    });
  }
  layout.annotations?.push(...titled(axisTitles, layout, nameless ? APART * size : below));
  leaveOutEmpty(layout, data);
}

/**
 * Maps that have nothing to show yet are left out with their axes, but the first's: plotly gives such axes no place, and
 * where a margin changes draws them at NaN; without them it would draw axes of its own across the whole figure.
 * @param {Layout} layout
 * @param {Trace[]} data
 */
function leaveOutEmpty(layout, data) {
  const used = new Set(data.flatMap(({ xaxis = "x", yaxis = "y", z }) => (z?.length ? [xaxis, yaxis] : [])));
  for (const key of Object.keys(layout).filter((name) => /^[xy]axis\d/.test(name))) {
    if (!used.has(key.replace("axis", ""))) delete layout[key];
  }
  for (let place = data.length - 1; place >= 0; place--) {
    const { xaxis = "x", z } = data[place];
    if (!z?.length && xaxis !== "x") data.splice(place, 1);
  }
}

/**
 * How long the last label of a map's x axis is.
 * @param {Trace} trace
 */
function lastLabel({ x, x0, dx, z }) {
  if (x?.length) return Math.min(4, Math.max(...x.map((each) => String(each).length)));
  return String(Math.round(Number(x0 ?? 0) + Number(dx ?? 1) * (z?.[0]?.length ?? 1))).length;
}

/**
 * How long the longest name on a map's x axis is; 0 where there are numbers.
 * @param {Trace} trace
 */
const longestName = ({ x }) =>
  Math.max(0, ...(x ?? []).map((each) => (typeof each === "string" ? each.replace(/&\w+;/g, "_").length : 0)));

/**
 * Lines of a text, at most `most` letters each; none where a word is longer.
 * @param {string} text
 * @param {number} most
 */
function wrapped(text, most) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = `${lines[lines.length - 1]} ${word}`.trim();
    if (longer.length <= most) lines[lines.length - 1] = longer;
    else if (word.length <= most) lines.push(word);
    else return [];
  }
  return lines;
}

/**
 * What stands for a run where its name has no room: the number that it has on the board, or its colour alone.
 * @param {Run} run
 */
const mark = (run) => run.short ?? "■";

/**
 * @param {Layout} layout
 * @param {string} name
 */
const axis = (layout, name) => /** @type {AxisLayout} */ (layout[name]);

/**
 * The titles of the axes, which then have none: one of each kind is enough for all maps.
 * @param {Layout} layout
 */
function takeTitles(layout) {
  /** @type {Record<string, { text: string, font: Partial<Font> }>} */
  const found = {};
  for (const name of Object.keys(layout).filter((key) => /^[xy]axis/.test(key))) {
    const { title } = axis(layout, name);
    if (title.text) found[name[0]] = { text: title.text, font: title.font ?? {} };
    axis(layout, name).title = { text: "" };
  }
  return found;
}

/**
 * @param {ReturnType<typeof takeTitles>} titles
 * @param {Layout} layout
 * @param {number} below what stands between the maps and the title
 * @returns {Annotation[]}
 */
function titled({ x, y }, { margin }, below) {
  const plain = { xref: "paper", yref: "paper", showarrow: false };
  return [
    ...(x ? [{ ...plain, ...x, x: 0.5, y: 0, yanchor: "top", yshift: -below - TICK_PX }] : []),
    ...(y ? [{ ...plain, ...y, x: 0, y: 0.5, xanchor: "left", xshift: -margin.l, textangle: -90 }] : []),
  ];
}
