// The report: the board's figures over records that stand in the page, without a server.

import { count, element } from "./dom.js";
import { leaveFigure } from "./full_screen.js";
import { Menus } from "./menus.js";
import { ProfileCache } from "./profile_cache.js";
import { drawReading, when } from "./readings.js";
import { Series } from "./series.js";
import { SnapshotCache } from "./snapshot_cache.js";
import { TimeTravel } from "./time_travel.js";

/** @import { Drawing } from "./figures.d.ts" */
/** @import { Plotly } from "./plotly.d.ts" */
/** @import { ReportReading } from "./instruments.d.ts" */
/** @import { Info, Records, Snapshot } from "./types.d.ts" */
/**
 * What was measured of one run, all of it.
 * @typedef {{ info: Info | null, answer: Records, snapshots: Snapshot[] }} Measured
 */

/**
 * @param {HTMLElement} root
 * @param {Drawing & { matched: boolean, measured: Measured[], readings?: ReportReading[] }} data
 * @param {Plotly} Plotly
 */
export function show(root, { matched, measured, readings = [], ...drawing }, Plotly) {
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

  const places = readings.map((reading) => place(root, reading));
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const open = () => {
    const theme = dark.matches ? "dark" : "light";
    for (const swatch of document.querySelectorAll("[data-run-color]")) {
      if (!(swatch instanceof HTMLElement)) continue;
      swatch.style.background = drawing.palette[theme].runs[Number(swatch.dataset.runColor)];
    }
    travel.build(Plotly, drawing, theme, "report");
    for (const [index, reading] of readings.entries()) {
      drawReading(places[index], reading[theme], async () => Plotly, whose(reading));
    }
    return travel.draw();
  };
  dark.addEventListener("change", open);
  return open();
}

/**
 * Make room below the figures for what an instrument has found, under its heading.
 * @param {HTMLElement} root
 * @param {ReportReading} reading
 */
function place(root, reading) {
  const { title, help, color } = reading;
  const card = element("section", "rgl-instrument");
  const heading = element("h3", "", `${title}: `);
  const swatch = element("span", "rgl-swatch");
  swatch.dataset.runColor = String(color);
  heading.append(swatch, ` ${whose(reading)}`);
  const room = element("div", "rgl-reading");
  card.append(heading, element("p", "", help), room);
  root.append(card);
  return room;
}

/**
 * The run and the step that a reading is of, and what was chosen.
 * @param {ReportReading} reading
 */
const whose = ({ label, last, light }) => [label, when(light.step, last), light.choice].filter(Boolean).join(", ");
