// How runs are drawn, as the figures that are designed in Python say it, and what their traces are filled from.

import type { Layout, Trace } from "./plotly.d.ts";
import type { Run, Sent, Snapshot } from "./types.d.ts";

export type Theme = "light" | "dark";

/** How runs are drawn, the same for the board and the report (`dashboard.figures.drawing`). */
export interface Drawing {
  runs: { label: string; clipped: boolean; reverse: boolean }[];
  figures: Record<Theme, Record<string, Spec>>;
  about: Record<string, About>;
  palette: Record<Theme, Palette>;
}

/** Colours of a theme; `runs`: one each. */
export interface Palette {
  runs: string[];
  text: string;
  muted: string;
  grid: string;
  alert: string;
  hover: string;
  explodes: string;
  vanishes: string;
  caps: [low: string, high: string]; // of maps, beyond the range of their colours
}

/** A figure beside its traces and axes (`dashboard.figures.Figure.about`). */
export interface About {
  title: string;
  subtitle: string; // may hold {step}
  alt: string;
  aside: string; // words beside the runs' names
  steps: boolean; // whether the x axis is the training step
  shows: { part: string; kind: string | null } | null; // the part of a snapshot without which it is not there
  pace: [every: number, offset: number]; // in refreshes
  applies: boolean; // whether it is for any run on the board
  rules: string[]; // functions of rules.js, in their order
  options: AboutOption[];
}

export interface AboutOption {
  key: string;
  label: string;
  on: boolean;
  help: string;
  applies: boolean;
  measured: Sent | null; // column of evaluations without which it is not offered
}

/** What fills a trace (`dashboard.figures.fills`); without `fill` nothing does. */
export interface Meta {
  fill?: string; // a function of fills.js or part_fills.js
  run?: number;
  option?: string;
  baseline?: number;
  y?: Sent;
  z?: Sent;
  times?: Sent;
  gaps?: boolean;
  fit?: boolean;
  value?: number;
  side?: "above" | "below";
  instead?: Record<string, Sent>;
  path?: string;
  at?: (number | "layer")[];
}

export interface Spec {
  data: Trace[];
  layout: Layout;
}

/** A vertical mark at a training step. */
export interface Mark {
  step: number;
  text: string;
  alert?: boolean;
}

/** What is drawn: a layer (null: each run's own top one), the step of the cursor (null: the newest), marks, and what stands in empty figures. */
export interface View {
  layer: number | null;
  cursor: number | null;
  palette: Palette;
  marks: Mark[];
  alike: number[]; // indices of runs that have not parted from the first, which is among them
  empty: string;
}

/** All that the traces of one figure are filled from. */
export interface Context {
  runs: Run[];
  view: View;
  snapshots: (Snapshot | null)[]; // of each run, at the cursor
  options: Record<string, boolean>;
  width: number; // pixels of the figure
  height: number;
  last: number; // where axes of training steps end
  layout: Layout;
}
