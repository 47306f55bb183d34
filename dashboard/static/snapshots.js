// Snapshots of one run: what the network answers, its parameters' gradients and gates at one step, fetched on demand.

import { decode } from "./base64.js";

const KEPT = 40;
const LIVE_MS = 900; // while training, a new one at most this often

export class Snapshots {
  constructor(runId) {
    this.runId = runId;
    this.kept = []; // oldest use first
    this.newest = null; // step of the newest one at the server
    this.fetchedAt = -Infinity;
  }

  // The best one known for a step (null: the newest).
  at(step) {
    const fits = this.kept.filter((each) => step === null || each.step <= step);
    return fits.reduce((best, each) => (best === null || each.step > best.step ? each : best), null);
  }

  exact(step) {
    return this.kept.find((each) => each.step === step) ?? null;
  }

  // Whether asking the server could bring a better one.
  wanted(step, running) {
    if (this.newest === null) return false;
    const have = this.at(step);
    if (step === null || step >= this.newest) {
      const pause = running ? LIVE_MS : 0;
      return have?.step !== this.newest && performance.now() - this.fetchedAt >= pause;
    }
    const next = have?.next_step ?? have?.step + 1; // the newest one did not know of any later one when it came
    return !have || step >= next;
  }

  // Fetch the one for a step; return whether a new one came.
  async fetch(step) {
    this.fetchedAt = performance.now();
    const url = new URL(`api/runs/${this.runId}/snapshot`, document.baseURI);
    if (step !== null) url.searchParams.set("step", String(step));
    const answer = await fetch(url);
    if (!answer.ok) return false;
    const snapshot = await answer.json();
    if (snapshot.step === null) return false;
    this.kept = [...this.kept.filter((each) => each.step !== snapshot.step), snapshot].slice(-KEPT);
    return true;
  }
}

// Which of the cards that show snapshots have something to show.
export function hasCard(name, snapshots) {
  const known = snapshots.filter(Boolean);
  const kinds = {
    predictions: known.some((each) => each.predictions?.kind === "regression"),
    confusion: known.some((each) => each.predictions?.kind === "classification"),
    parameters: known.length > 0,
    gates: known.some((each) => each.gates),
    attention: known.some((each) => each.attention),
  };
  return kinds[name] ?? true;
}

// Fill a trace from its run's snapshot, one of `snapshots`; `layer` from 0. A map whose run has none yet gets the axes of
// the other run's and stays invisible: plotly cannot place a subplot of categories without any.
export function fillSnapshot(trace, snapshots, layer) {
  const { meta } = trace;
  const snapshot = snapshots[meta.run];
  const fill = FILL[meta.z ?? meta.y];
  if (snapshot) fill(trace, snapshot, layer);
  const other = snapshots.find(Boolean);
  if (snapshot || !meta.z || !other) return;
  fill(trace, other, layer);
  trace.z = trace.z?.map((row) => row.map(() => 0));
  Object.assign(trace, { opacity: 0, hoverinfo: "skip", hovertemplate: null, texttemplate: null });
}

const FILL = {
  targets: (trace, { predictions }) => fillCurve(trace, predictions, "targets"),
  outputs: (trace, { predictions }) => fillCurve(trace, predictions, "outputs"),
  confusion: (trace, { predictions }) => {
    if (predictions?.kind !== "classification") return;
    trace.x = trace.y = predictions.classes;
    trace.z = predictions.counts.map((row) => {
      const total = row.reduce((sum, value) => sum + value, 0);
      return row.map((value) => (total ? value / total : null));
    });
    trace.text = predictions.counts.map((row) => row.map((value) => value.toLocaleString("en-US")));
    if (predictions.classes.length <= 8) trace.texttemplate = "%{text}";
  },
  histogram: (trace, { parameters }) => {
    trace.x = ["zero", ...parameters.histogram[0].map((_, bin) => String(parameters.first_decade + bin))];
    trace.y = parameters.names.map(shortName);
    trace.z = parameters.histogram.map((bins, row) => {
      const counts = [parameters.zeros[row] + parameters.below[row], ...bins];
      counts[counts.length - 1] += parameters.above[row];
      const total = counts.reduce((sum, value) => sum + value, 0);
      return counts.map((value) => (value ? value / total : null));
    });
    trace.text = parameters.names.map((name, row) => {
      const said = (value) => (value === null ? "not finite" : Number(value.toPrecision(3)).toString());
      const text = `${name}: norm ${said(parameters.weight_norm[row])}, gradient ${said(parameters.gradient_norm[row])}`;
      return trace.x.map(() => text);
    });
  },
  gates: (trace, { gates }, layer) => {
    if (!gates || trace.meta.gate >= gates.names.length) return;
    const [, kinds, timesteps] = gates.mean.shape;
    const start = (layer * kinds + trace.meta.gate) * timesteps;
    trace.y = [...decode(gates.mean.data).subarray(start, start + timesteps)];
    trace.x = trace.y.map((_, t) => t + 1);
  },
  attention: (trace, { attention }) => {
    trace.y = [...decode(attention?.data)];
    trace.x = trace.y.map((_, t) => t + 1);
  },
};

function fillCurve(trace, predictions, which) {
  if (predictions?.kind !== "regression") return;
  const values = [...decode(predictions[which].data)];
  const length = predictions.per_step ? predictions[which].shape[1] : values.length;
  trace.y = values.slice(0, length).map((value) => (Number.isFinite(value) ? value : null));
  trace.x = trace.y.map((_, place) => place + 1);
}

// recurrent.weight_hh_l0 -> W_hh 1
function shortName(name) {
  const match = /^recurrent\.(weight|bias)_(ih|hh)_l(\d+)$/.exec(name);
  if (!match) return name.replace(".weight", " W").replace(".bias", " b");
  return `${match[1] === "weight" ? "W" : "b"}_${match[2]} ${Number(match[3]) + 1}`;
}
