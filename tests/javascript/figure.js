// A figure as Python designs it, made by hand: runs, a view, a layout, with only what a test needs.

import { ProfileCache } from "../../dashboard/static/profile_cache.js";
import { Series } from "../../dashboard/static/series.js";
import { SnapshotCache } from "../../dashboard/static/snapshot_cache.js";
import { answer } from "./packed.js";

/** @import { Context } from "../../dashboard/static/figures.d.ts" */
/** @import { Layout } from "../../dashboard/static/plotly.d.ts" */
/** @import { Run, Snapshot } from "../../dashboard/static/types.d.ts" */

/**
 * A run of which one answer came.
 * @param {Parameters<typeof answer>} given
 * @returns {Run}
 */
export function run(...given) {
  const series = new Series();
  const state = answer(...given);
  series.append(state);
  const caches = { profiles: new ProfileCache(null), snapshots: new SnapshotCache(null) };
  return { label: "LSTM", clipped: true, series, ...caches, state };
}

/** @returns {Layout} */
export function layout() {
  const axis = () => ({ title: {}, tickfont: { size: 12 } });
  return {
    font: { size: 12 },
    margin: { l: 56, r: 14, t: 10, b: 40 },
    hoverlabel: { bgcolor: "#ffffff" },
    xaxis: axis(),
    yaxis: { ...axis(), type: "log" },
  };
}

/**
 * @param {Run[]} runs
 * @param {{ options?: Record<string, boolean>, cursor?: number | null, snapshots?: (Snapshot | null)[], width?: number, height?: number }} given
 * @returns {Context}
 */
export function context(
  runs,
  { options = {}, cursor = null, snapshots = runs.map(() => null), width = 600, height = 240 } = {},
) {
  const palette = {
    runs: ["#0067b1"],
    text: "#000",
    muted: "#555",
    grid: "#ccc",
    alert: "#f00",
    hover: "#fff",
    explodes: "#fdd",
    vanishes: "#ddf",
    caps: /** @type {[string, string]} */ (["#000", "#f0f"]),
  };
  const view = { layer: 0, cursor, palette, marks: [], alike: [], empty: "" };
  const last = Math.max(1, ...runs.map(({ series }) => series.last));
  return { runs, view, snapshots, options, width, height, last, layout: layout() };
}
