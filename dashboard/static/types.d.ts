// What the server answers, and what a figure is made of, as the modules of this folder read it.

import type { Series } from "./series.js";
import type { SnapshotCache } from "./snapshot_cache.js";

/** Columns of numbers, one a training step, that the board itself reads; a figure names those that it reads. */
export type Column = "step" | "train_loss" | "grad_norm";

/** Columns with L x T numbers a step. */
export type ProfileColumn = "hidden_grad_norm" | "cell_grad_norm" | "direct_grad_norm";

/** Base64 of little-endian float32. */
export type Packed = string;

/** Base64 of little-endian float32 in C order. */
export interface PackedArray {
  shape: number[];
  data: Packed;
}

export type Status =
  | "queued"
  | "running"
  | "paused"
  | "finished"
  | "stopped"
  | "diverged"
  | "failed"
  | "killed"
  | "interrupted";

/** A setting changed by hand: step, its name, its new value. */
export type Change = [step: number, name: string, value: number];

/** What GET /api/records says of one run: its records after step `since`. */
export interface Records {
  run?: string;
  status: Status;
  reason: string | null;
  steps: number;
  last_step: number;
  steps_per_second: number | null;
  since: number;
  decimated: boolean;
  count: number;
  columns: Record<Column, Packed>;
  val: { count: number } & Record<"step" | "val_loss", Packed>;
  profiles: PackedProfiles | null;
  snapshot_step: number | null;
  events: Change[];
  position?: number | null; // in the queue
  wait_seconds?: number | null;
  insights?: Insights | null;
  info?: Info | null;
  resumable?: boolean;
}

/** N profiles: `step` (N), the others (N, L, T). */
export interface PackedProfiles extends Partial<Record<ProfileColumn, Packed>> {
  count: number;
  layers: number;
  timesteps: number;
  step: Packed;
  hidden_grad_norm: Packed;
}

/** What is known of a run before its first step, as far as it is shown. */
export interface Info {
  baselines: { name: string; loss: number }[];
  metric: string | null;
}

/** What can be said of a run as it stood at `step`. */
export interface Insights {
  step: number;
  verdicts: { kind: string; sentence: string }[];
  clipped: number | null;
  recording_overhead: number | null;
}

/** What a run showed at one evaluation: parts by the names of their instruments, null where one does not apply. */
export interface Snapshot {
  step: number;
  next_step: number | null;
  predictions?: Regression | Classification;
  parameters?: Parameters;
  sigma_max?: { values: number[]; gamma: number; bound_layer: number | null } | null;
  [part: string]: unknown;
}

export interface Regression {
  kind: "regression";
  per_step: boolean;
  targets: PackedArray;
  outputs: PackedArray;
  sequences: number;
  output: number;
  output_size: number;
}

export interface Classification {
  kind: "classification";
  per_step: boolean;
  classes: string[];
  counts: number[][];
  total: number;
  correct: number;
  left_out: number;
}

/** Of each of P parameters: its norms (null: not finite) and how many elements of its gradient are of which size. */
export interface Parameters {
  names: string[];
  shapes: number[][];
  weight_norm: (number | null)[];
  gradient_norm: (number | null)[];
  first_decade: number;
  histogram: number[][];
  zeros: number[];
  below: number[];
  above: number[];
}

export type Theme = "light" | "dark";

/** How runs are drawn, the same for the board and the report (`dashboard.figures.drawing`). */
export interface Drawing {
  runs: { label: string; clipped: boolean }[];
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
  measured: string | null; // column of evaluations without which it is not offered
}

/** What fills a trace (`dashboard.figures.fills`); without `fill` nothing does. */
export interface Meta {
  fill?: string; // a function of fills.js or part_fills.js
  run?: number;
  option?: string;
  baseline?: number;
  y?: string;
  z?: string;
  times?: string;
  gaps?: boolean;
  fit?: boolean;
  instead?: Record<string, string>;
  path?: string;
  at?: (number | "layer")[];
}

export interface Spec {
  data: Trace[];
  layout: Layout;
}

export interface AxisLayout {
  type?: string;
  domain?: [number, number];
  title: { text?: string };
  tickfont: { size: number };
  dtick?: number | string;
  [attribute: string]: unknown;
}

export interface Layout {
  font: { size: number; family?: string };
  margin: { l: number; r: number; t: number; b: number };
  hoverlabel: { bgcolor: string };
  xaxis: AxisLayout;
  yaxis: AxisLayout;
  yaxis2?: AxisLayout;
  annotations?: Record<string, unknown>[];
  shapes?: Record<string, unknown>[];
  coloraxis?: Record<string, unknown>;
  [attribute: string]: unknown;
}

/** What is drawn: a layer, the step of the cursor (null: the newest), marks, and what stands in empty figures. */
export interface View {
  layer: number | null;
  cursor: number | null;
  palette: Palette;
  marks: Mark[];
  empty: string;
}

/** All that the traces of one figure are filled from. */
export interface Context {
  runs: Run[];
  view: View;
  snapshots: (Snapshot | null)[]; // of each run, at the cursor
  options: Record<string, boolean>;
  width: number; // pixels of the figure
  layout: Layout;
}

/** What a page gives the live board. */
export interface BoardData {
  module: string;
  plotly: string;
  group: string | null;
  twins: boolean;
  show: Show;
  runs: BoardRun[];
  drawing: string; // a Drawing as JSON
  empty: string;
}

export interface Show {
  first: string[];
  step: number | null;
  options: string[]; // "figure.option"
}

/** A run as the page tells the live board of it. */
export interface BoardRun {
  id: string | null;
  learning_rate: number;
  threshold: number | null;
}

/** What the server said last of a run; "unknown": that there is no such run. */
export type State = Pick<Records, "reason" | "last_step" | "steps"> &
  Partial<Omit<Records, "status">> & { status: Status | "unknown" };

/** A run as the figures see it. */
export interface Run {
  label: string;
  short?: string | null; // what legends call it, if not by its label
  clipped: boolean;
  series: Series;
  snapshots: SnapshotCache;
  state: State | null;
  info?: Info | null;
}

/** A run on the live board. */
export interface LiveRun extends BoardRun, Run {
  verdicts?: string[] | null; // of the step that the cursor is at
  asked?: number; // step since which the newest request asked
  wantsAll?: boolean; // whether the next one asks from the beginning, and
  hasAll?: boolean; // whether one has since the run ended
}

/** A vertical mark at a training step; late: in the right half, where its text has its place on the left. */
export interface Mark {
  step: number;
  text: string;
  alert?: boolean;
  late: boolean;
}

/** A curve or map of a plotly figure, as far as it is filled here. */
export interface Trace {
  type: string;
  meta?: Meta;
  visible?: boolean;
  mode?: string;
  name?: string;
  xaxis?: string;
  yaxis?: string;
  x?: Axis;
  y?: Axis;
  z?: (number | null)[][];
  [attribute: string]: unknown;
}

export type Axis = (number | string | null)[];
