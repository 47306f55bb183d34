// What the server answers and what a run is, as the modules of this folder read it.

import type { Follow } from "./class.d.ts";
import type { ProfileCache } from "./profile_cache.js";
import type { Series } from "./series.js";
import type { SnapshotCache } from "./snapshot_cache.js";

/** Columns of numbers, one a training step, that the board itself reads; a figure names those that it reads. */
export type Column = "step" | "train_loss" | "grad_norm";

/** The same of the steps with an evaluation. */
export type Evaluation = "step" | "val_loss" | "val_metric";

/** A name of a column that a figure sends along: not to be written by hand, where tsc could not tell if it is misspelt. */
declare const sent: unique symbol;
export type Sent = string & { readonly [sent]: true };

/** Columns with L x T numbers a step. */
export type ProfileColumn = "hidden_grad_norm" | "cell_grad_norm" | "direct_grad_norm";

/** Beside them where sequences are of unequal length: how many have a norm there (`rnncore.records.COUNTS`). */
export type CountColumn = "sequence_count";

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
  missing: [first: number, last: number][]; // steps whose records are damaged in the store
  count: number;
  columns: Record<Column, Packed>;
  val: { count: number } & Record<Evaluation, Packed>;
  profiles: PackedProfiles | null;
  snapshot_step: number | null;
  events: Change[];
  position?: number | null; // in the queue
  wait_seconds?: number | null;
  notice?: string | null; // what it waits for beside its turn, or does before its next step
  insights?: Insights | null; // null also where they are those of the key that was sent along
  insights_key?: string;
  info?: Info | null;
  resumable?: boolean;
}

/** What /api/records says of a run that was asked for: there may be none. */
export type Answer = Records | { run: string; error: string };

/** What is new of several runs, and how they stand, which is sent along with the next request that is held. */
export interface News {
  runs: Answer[];
  told: string;
}

/** N profiles: `step` (N), the others (N, L, T). */
export interface PackedProfiles extends Partial<Record<ProfileColumn | CountColumn, Packed>> {
  count: number;
  layers: number;
  timesteps: number;
  step: Packed;
  hidden_grad_norm: Packed;
}

/** What is known of a run before its first step, as far as it is shown. */
export interface Info {
  baselines: { name: string; loss: number; in_theory?: number | null }[];
  metric: string | null;
  metric_words?: { name: string; percent: boolean; complement: boolean } | null;
  answers?: Answers | null;
}

/** What the first number that a network answers with means (`rnncore.records.Answers`). */
export interface Answers {
  name: string;
  mean: number;
  std: number;
  unit: string;
  axis: string;
  places: (string | number)[];
}

/** What can be said of a run as it stood at `step`, that of the profile which is shown; it is at `last_step` now. */
export interface Insights {
  step: number;
  last_step: number;
  verdicts: { kind: string; sentence: string }[];
  findings: Finding[]; // the most important first
  clipped: number | null;
  recording_overhead: number | null;
}

/** What was found out about a run (`rnncore.diagnosis.finding`). */
export interface Finding {
  kind: string;
  title: string;
  group: "cause" | "description";
  sentence: string;
  measured: string; // the evidence in words
  remedy: Remedy | null;
}

/** A change of a run's settings that may help (`dashboard.experiment.told`). */
export interface Remedy {
  sentence: string;
  changes: Record<string, unknown>;
  words: string; // "learning rate 0.1 → 0.01"
  settings: string | null; // fingerprint of the changed settings
  problem: string | null; // why this run cannot be changed that way
}

/** What can be said of a run at a step: findings, and what else is to be known of its numbers. */
export interface Said {
  step: number | null; // null: of the newest
  near: boolean; // whether another step was asked for, of which no profile was recorded
  findings: Finding[];
  damage: string; // which records are lost, ''
}

/** What a run showed at one evaluation: parts by the names of their instruments, null where one does not apply. */
export interface Snapshot {
  step: number;
  next_step: number | null;
  predictions?: Regression | Classification;
  parameters?: Parameters;
  sigma_max?: { values: number[]; gamma: number; bound_layer: number | null } | null;
  saturation?: { units: PackedArray; weights: PackedArray } | null;
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

/** What a page gives the live board. */
export interface BoardData {
  module: string;
  plotly: string;
  matched: boolean; // whether the runs are of one seed, so that the step at which they part is worth a mark
  trains: boolean; // whether it may be asked to train
  tries: boolean; // whether it may be asked to train a changed run beside these
  tried: Tried | null;
  show: Show;
  runs: BoardRun[];
  drawing: string; // a Drawing as JSON
  empty: string; // what the board says before there are runs
  example: string | null; // address of a recorded example, shown until then
  glossary: string; // address of the terms that findings use
  instruments: { script: string; list: string }; // addresses of what the fold "Instruments" loads when it is opened
  follow?: Follow | null; // what somebody else's board shows, which this one shows too
}

/** What came of a press of "Try it": the number of the press; why nothing has started, null where a run has. */
export interface Tried {
  number: number;
  problem: string | null;
}

export interface Show {
  first: string[];
  step: number | null;
  options: string[]; // "figure.option"
}

/** A run as the page tells the live board of it. */
export interface BoardRun {
  id: string | null;
  learning_rate: number | null;
  threshold: number | null;
  settings: string; // a fingerprint of its settings
  watch: string | null; // its watch key, which stands in addresses
  target: string | null; // the id by which it is steered: its group's, where all of that is on the board; null: it is not
}

/** What the server said last of a run; "unknown": that there is no such run. */
export type State = Pick<Records, "reason" | "last_step" | "steps"> &
  Partial<Omit<Records, "status">> & { status: Status | "unknown" };

/** A run as the figures see it. */
export interface Run {
  label: string;
  short?: string | null; // what legends call it, if not by its label
  clipped: boolean;
  reverse?: boolean; // of a watched module, whose gradient travels towards t = T
  hidden?: boolean; // by the reader, from its entry in a legend
  series: Series;
  profiles: ProfileCache;
  snapshots: SnapshotCache;
  state: State | null;
  info?: Info | null;
}

/** A run on the live board. */
export interface LiveRun extends BoardRun, Run {
  said?: Said | null; // of the step that the cursor is at
  asked?: number; // step since which the newest request asked
  wantsAll?: boolean; // whether the next one asks from the beginning, and
  hasAll?: boolean; // whether one has since the run ended
}
