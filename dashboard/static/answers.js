// Answers that are numbers, in the data's own units: over time beside their targets, or against them.

import { slice } from "./arrays.js";
import { range, setText, texts } from "./dom.js";

const WIDE_NUMBERS_PX = 84;
const DATE_EM = 4.8; // dates take two lines, below them stands the axis's title

/** @import { Drawn } from "./rules.js" */
/** @import { Run, Snapshot } from "./types.d.ts" */
/** @import { PartFill } from "./part_fills.js" */

/** @type {PartFill} */
export function fillAnswers(trace, snapshot, _, run) {
  const { x, outputs, targets } = answersOf(snapshot, run);
  trace.x = x ?? targets;
  trace.y = outputs;
  if (!x) trace.mode = "markers";
  if (!x) trace.hovertemplate = "answer %{y:.4g}, target %{x:.4g}";
}

/**
 * The targets where the answers stand; against the targets the line on which every answer would be right.
 * @type {PartFill}
 */
export function fillTruth(trace, snapshot, _, run) {
  const { x, targets } = answersOf(snapshot, run);
  trace.x = x;
  trace.y = targets;
  if (x) return;
  const known = targets.filter((value) => value !== null);
  trace.x = trace.y = known.length ? [Math.min(...known), Math.max(...known)] : [];
  Object.assign(trace, { mode: "lines", hoverinfo: "skip", hovertemplate: null });
}

/**
 * Answers and targets in the data's own units, null where not finite, and where they stand in time; without a place in
 * time they are sequences that have nothing to do with each other.
 * @param {Snapshot} snapshot
 * @param {Run} run
 */
function answersOf({ predictions }, { info }) {
  if (predictions?.kind !== "regression") return { x: undefined, outputs: [], targets: [] };
  const { mean = 0, std = 1, places = [] } = info?.answers ?? {};
  const own = (/** @type {typeof predictions.targets} */ array) =>
    slice(array, [0], 1).values.map((value) => (Number.isFinite(value) ? value * std + mean : null));
  const [outputs, targets] = [own(predictions.outputs), own(predictions.targets)];
  const inTime = places.length >= targets.length ? places.slice(0, targets.length) : undefined;
  return { x: predictions.per_step ? range(targets.length) : inTime, outputs, targets };
}

/** @param {Drawn} drawn */
export function answerAxes({ card, context, layout }) {
  const shown = context.snapshots.map((snapshot) => snapshot?.predictions);
  const curves = shown.find((each) => each?.kind === "regression");
  if (curves?.kind !== "regression") return;
  const answers = context.runs.find((run) => run.info?.answers)?.info?.answers;
  const place = card.legend.querySelector(".rgl-lines");
  const [named] = texts([answers ? `${answers.name}${answers.unit && `, ${answers.unit}`}` : ""]);
  const against = !curves.per_step && !answers?.places.length;
  if (against) {
    Object.assign(layout, { hovermode: "closest" });
    layout.xaxis.title.text = named ? `target: ${named}` : "target";
    layout.yaxis.title.text = "answer";
  } else {
    const first = "timestep t of the first sequence";
    layout.xaxis.title.text = curves.per_step ? first : texts([answers?.axis ?? ""])[0];
    layout.yaxis.title.text = named;
    if (typeof answers?.places[0] === "string") {
      layout.xaxis.type = "date";
      layout.margin.b = Math.max(layout.margin.b, DATE_EM * layout.font.size);
    }
  }
  // A network that is thrown out answers with numbers like 5.5 x 10^17, which are wider than the usual margin.
  layout.margin = { ...layout.margin, l: Math.max(layout.margin.l ?? 0, WIDE_NUMBERS_PX) };
  if (place) setText(place, against ? "dashed: answer = target" : "dots: target");
}
