// The report: the board's figures over records that stand in the page, without a server.

import { count } from "./dom.js";
import { leaveFigure } from "./full_screen.js";
import { Menus } from "./menus.js";
import { ProfileCache } from "./profile_cache.js";
import { Series } from "./series.js";
import { SnapshotCache } from "./snapshot_cache.js";
import { TimeTravel } from "./time_travel.js";

/** @import { Drawing } from "./figures.d.ts" */
/** @import { Plotly } from "./plotly.d.ts" */
/** @import { Info, Records, Snapshot } from "./types.d.ts" */
/**
 * What was measured of one run, all of it.
 * @typedef {{ info: Info | null, answer: Records, snapshots: Snapshot[] }} Measured
 */

/**
 * @param {HTMLElement} root
 * @param {Drawing & { matched: boolean, measured: Measured[] }} data
 * @param {Plotly} Plotly
 */
export function show(root, { matched, measured, ...drawing }, Plotly) {
  const runs = drawing.runs.map((run, index) => {
    const { info, answer, snapshots } = measured[index];
    const series = new Series();
    series.append(answer);
    const caches = { profiles: new ProfileCache(null), snapshots: new SnapshotCache(null, snapshots) };
    return { ...run, info, series, ...caches, state: answer };
  });
  const travel = new TimeTravel({
    empty: () => "Nothing was recorded",
    told: (step, last) => `step ${count(step)} of ${count(last)}`,
  });
  travel.open(runs, matched, null);
  travel.timeline.append(travel.layerField);
  root.append(travel.timeline, travel.plots.root);
  const menus = new Menus(root);
  document.addEventListener("keydown", (event) => menus.press(event) || leaveFigure(event));

  const dark = matchMedia("(prefers-color-scheme: dark)");
  const open = () => {
    const theme = dark.matches ? "dark" : "light";
    for (const swatch of document.querySelectorAll("[data-run-color]")) {
      if (!(swatch instanceof HTMLElement)) continue;
      swatch.style.background = drawing.palette[theme].runs[Number(swatch.dataset.runColor)];
    }
    travel.build(Plotly, drawing, theme, "report");
    return travel.draw();
  };
  dark.addEventListener("change", open);
  return open();
}
