// What fills a trace from a part of a snapshot: arrays as they are, and what has to be worked out in a way of its own.

import { fillAnswers, fillTruth } from "./answers.js";
import { slice } from "./arrays.js";
import { range, texts } from "./dom.js";
import { fillSplit } from "./split.js";

/** @import { Context } from "./figures.d.ts" */
/** @import { Trace } from "./plotly.d.ts" */
/** @import { PackedArray, Run, Snapshot } from "./types.d.ts" */
/** @typedef {(trace: Trace, snapshot: Snapshot, context: Context, run: Run) => void} PartFill */

const MOST_COUNTS = 8; // classes up to which the numbers stand in a confusion matrix

/** @type {Record<string, PartFill>} by the name that a trace's `meta.fill` says */
export const PART_FILLS = {
  part: fillPart,
  bound: fillBound,
  confusion: fillConfusion,
  histogram: fillHistogram,
  answers: fillAnswers,
  truth: fillTruth,
  split: fillSplit,
};

/** @type {PartFill} */
function fillPart(trace, snapshot, { view }, { series }) {
  const { path = "", at = [] } = trace.meta ?? {};
  const found = arrayAt(snapshot, path.split("."));
  if (!found) return;
  const indices = at.map((index) => (index === "layer" ? series.shown(view.layer) : index));
  const isMap = trace.type === "heatmap";
  const { shape, values } = slice(found, indices, isMap ? 2 : 1);
  if (!values.length) return;
  const finite = values.map((value) => (Number.isFinite(value) ? value : null));
  const width = /** @type {number} */ (shape.at(-1));
  trace.x = range(width);
  if (isMap) {
    trace.y = range(shape[0]);
    trace.z = trace.y.map((_, row) => finite.slice(row * width, (row + 1) * width));
  } else trace.y = finite;
}

/**
 * @param {unknown} part
 * @param {string[]} names on the way in it
 * @returns {PackedArray | unknown[] | null | undefined}
 */
function arrayAt(part, [name, ...names]) {
  const inner = /** @type {Record<string, unknown> | null | undefined} */ (part)?.[name];
  return names.length ? arrayAt(inner, names) : /** @type {PackedArray | unknown[] | null | undefined} */ (inner);
}

/**
 * The bound of the step at which its snapshot was taken: (sigma gamma)^(T - t) times that step's own last gradient.
 * @type {PartFill}
 */
function fillBound(trace, snapshot, { view, options }, { series }) {
  const layer = series.shown(view.layer);
  const bound = snapshot.sigma_max;
  const profile = series.profiles.find((each) => each.step === snapshot.step);
  if (!profile || bound?.bound_layer !== layer) return;
  const last = /** @type {number} */ (series.layer(profile, "hidden_grad_norm", layer).at(-1));
  const factor = bound.values[layer] * bound.gamma;
  const T = series.timesteps;
  trace.x = range(T).map((t) => (options.lag ? T - t : t));
  trace.y = range(T).map((t) => last * factor ** (T - t));
  trace.hovertemplate = `%{y:.2e} (at step ${snapshot.step})`;
}

/** @type {PartFill} */
function fillConfusion(trace, { predictions }) {
  if (predictions?.kind !== "classification") return;
  trace.x = trace.y = texts(predictions.classes, 14);
  trace.z = predictions.counts.map((row) => {
    const total = sum(row);
    return row.map((value) => (total ? value / total : null));
  });
  trace.text = predictions.counts.map((row) => row.map((value) => value.toLocaleString("en-US")));
  if (predictions.classes.length <= MOST_COUNTS) trace.texttemplate = "%{text}";
}

/** @type {PartFill} */
function fillHistogram(trace, { parameters }) {
  if (!parameters) return;
  const columns = ["zero", ...parameters.histogram[0].map((_, bin) => String(parameters.first_decade + bin))];
  trace.x = columns;
  trace.y = parameters.names.map(shortName);
  trace.z = parameters.histogram.map((bins, row) => {
    const counts = [parameters.zeros[row] + parameters.below[row], ...bins];
    counts[counts.length - 1] += parameters.above[row];
    const total = sum(counts);
    return counts.map((value) => (value ? value / total : null));
  });
  trace.text = parameters.names.map((name, row) => {
    const [weight, gradient] = [said(parameters.weight_norm[row]), said(parameters.gradient_norm[row])];
    return columns.map(() => `${name}: norm ${weight}, gradient ${gradient}`);
  });
}

/** @param {number[]} list */
const sum = (list) => list.reduce((total, value) => total + value, 0);

/** @param {number | null} value */
const said = (value) => (value === null ? "not finite" : Number(value.toPrecision(3)).toString());

/**
 * recurrent.weight_hh_l0 -> W_hh 1
 * @param {string} name
 */
function shortName(name) {
  const match = /^recurrent\.(weight|bias)_(ih|hh)_l(\d+)$/.exec(name);
  if (!match) return name.replace(".weight", " W").replace(".bias", " b");
  return `${match[1] === "weight" ? "W" : "b"}_${match[2]} ${Number(match[3]) + 1}`;
}
