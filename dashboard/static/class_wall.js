// The wall: every student's run as a small picture of its loss or of its gradient through time, the best one first.

import { call } from "./calls.js";
import { valueWords } from "./class_setting.js";
import { Sheet } from "./class_sheet.js";
import { button, count, element, number, setText } from "./dom.js";
import { columnsFor, isCut, lineOf, pathOf, sorted, spanOf } from "./wall_drawing.js";

/** @import { Setting, Wall, WallRun } from "./class.d.ts" */
/** @import { What } from "./wall_drawing.js" */

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 100; // of a picture, in units of its own
const HEIGHT = 60;
const REFRESH_MS = 1000;
const ACTIVE = new Set(["queued", "running", "paused"]);
const EMPTY = "Nobody has trained yet. Runs appear here as soon as they start.";

export class ClassWall {
  /** @type {What} */ what = "losses";
  /** @type {Wall | null} */ wall = null;
  /** @type {Record<string, Setting>} */ settings = {};
  timer = 0;
  /** @type {Map<string, ReturnType<typeof tileOf>>} */ tiles = new Map(); // by watch key

  /**
   * @param {string} code of the class
   * @param {(run: string) => void} open shows a run on the board
   */
  constructor(code, open) {
    this.code = code;
    this.openRun = open;
    this.sheet = new Sheet("Wall", () => clearTimeout(this.timer));
    this.loss = button("Loss", "The loss of each run over its training", () => this.choose("losses"));
    this.profile = button("Gradient", "The gradient of each run through time, at its newest step", () =>
      this.choose("gradients"),
    );
    this.said = element("p", "rgl-wall-said");
    this.said.setAttribute("role", "status");
    this.grid = element("div", "rgl-wall");
    this.sheet.actions.append(this.loss, this.profile);
    this.sheet.body.classList.add("rgl-walled");
    this.sheet.body.append(this.said, this.grid);
    this.onResize = () => this.lay();
    window.addEventListener("resize", this.onResize);
    this.choose("losses");
  }

  /** @param {Record<string, Setting>} settings that can be varied */
  open(settings) {
    this.settings = settings;
    this.sheet.open();
    this.refresh();
  }

  async refresh() {
    clearTimeout(this.timer);
    const { answer, problem } = await call("GET", `api/classes/${this.code}/wall`);
    if (!this.sheet.root.open) return;
    if (answer && !problem) this.show(answer);
    else setText(this.said, problem ?? "");
    this.timer = window.setTimeout(() => this.refresh(), REFRESH_MS);
  }

  /** @param {What} what */
  choose(what) {
    this.what = what;
    this.loss.setAttribute("aria-pressed", String(what === "losses"));
    this.profile.setAttribute("aria-pressed", String(what === "gradients"));
    if (this.wall) this.show(this.wall);
  }

  /** @param {Wall} wall */
  show(wall) {
    this.wall = wall;
    const runs = sorted(wall.runs);
    const span = spanOf(runs, this.what);
    const setting = wall.vary ? this.settings[wall.vary] : undefined;
    setText(
      this.said,
      runs.length ? told(runs, setting?.name ?? null, this.what, isCut(runs, this.what, span)) : EMPTY,
    );
    const known = new Set(runs.map(({ watch }) => watch));
    for (const [key, tile] of this.tiles) if (!known.has(key)) tile.root.remove();
    this.tiles = new Map([...this.tiles].filter(([key]) => known.has(key)));
    for (const [place, run] of runs.entries()) {
      const tile = this.tiles.get(run.watch) ?? tileOf(() => this.take(run.watch));
      this.tiles.set(run.watch, tile);
      draw(tile, run, this.what, span);
      setText(tile.value, setting ? valueWords(setting, run.varied) : "");
      if (this.grid.children[place] !== tile.root) this.grid.insertBefore(tile.root, this.grid.children[place] ?? null);
    }
    this.lay();
  }

  // As many tiles side by side as let all of them be large on this screen.
  lay() {
    const { clientWidth: width, clientHeight: height } = this.grid;
    if (!width || !height || !this.tiles.size) return;
    const columns = columnsFor(this.tiles.size, width, height);
    this.grid.style.setProperty("--columns", String(columns));
    this.grid.style.setProperty("--rows", String(Math.ceil(this.tiles.size / columns)));
  }

  /** @param {string} run */
  take(run) {
    this.sheet.close();
    this.openRun(run);
  }

  destroy() {
    clearTimeout(this.timer);
    window.removeEventListener("resize", this.onResize);
  }
}

/**
 * What is said above the pictures: how many there are, what differs, and that their axes are the same.
 * @param {WallRun[]} runs
 * @param {string | null} setting
 * @param {What} what
 * @param {boolean} [cut] whether some go beyond the top
 */
export function told(runs, setting, what, cut = false) {
  const active = runs.filter(({ status }) => ACTIVE.has(status)).length;
  const many = `${count(runs.length)} ${runs.length === 1 ? "run" : "runs"}${active ? `, ${count(active)} under way` : ""}`;
  const differ = setting ? `, each with its ${setting}` : "";
  const axes = what === "losses" ? "Loss over training" : "Gradient norm from the first timestep to the last";
  return `${many}${differ}, the lowest final loss first. ${axes}, logarithmic, on the same axes${cut ? "; what is far above the others runs along the top" : ""}.`;
}

/** @param {() => void} onclick */
function tileOf(onclick) {
  const root = element("button", "rgl-tile");
  root.type = "button";
  root.onclick = onclick;
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  svg.append(line);
  const label = element("strong", "rgl-tile-label");
  const value = element("span", "rgl-tile-value");
  const loss = element("span", "rgl-tile-loss");
  root.append(label, value, svg, loss);
  return { root, line, label, value, loss };
}

/**
 * @param {ReturnType<typeof tileOf>} tile
 * @param {WallRun} run
 * @param {What} what
 * @param {[number, number]} span
 */
function draw(tile, run, what, span) {
  const { xs, ys, last } = lineOf(run, what);
  tile.line.setAttribute("d", pathOf(xs, ys, last, span, WIDTH, HEIGHT));
  tile.root.dataset.status = run.status;
  setText(tile.label, run.label);
  setText(tile.loss, ending(run));
  tile.root.title = `Show the run of ${run.label} on the board`;
}

/**
 * What stands below a picture.
 * @param {Pick<WallRun, "status" | "loss" | "step" | "steps">} run
 */
export function ending({ status, loss, step, steps }) {
  if (status === "queued") return "waiting";
  if (ACTIVE.has(status)) return `step ${count(step)} of ${count(steps)}`;
  if (status === "diverged" || loss === null) return status;
  return `loss ${number(loss)}`;
}
