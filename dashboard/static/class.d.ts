// What the server says of a class, and what its pages are given.

import type { Show } from "./types.d.ts";

/** What the teacher's page shows. */
export interface Shown {
  runs: string | null; // watch keys of runs or groups, with commas; null: none
  step: number | null; // that the teacher stays at; null: the newest
  figure: string | null; // that is large; null: none is
  lesson: string | null; // key
}

/** A question to all. */
export interface Poll {
  number: number; // another one with each question
  question: string;
  choices: string[];
  open: boolean;
  answers: number | null; // how many have answered; while it is open only the teacher is told
  counts: number[] | null; // for each choice, once it is closed
  right: number | null; // which choice is right, once the teacher has said so
  right_percent: number | null; // of the answers; null also where there are none
}

/** What the teacher gives to everybody: a config in which one setting is to be varied. */
export interface Handout {
  number: number; // another one with each hand-out
  config: Config;
  vary: string | null; // path of the setting, "clip.threshold"
  task: string; // the config in words
}

/** The same for all students, at each change; and, with more in it, for the teacher. */
export interface ClassState {
  code: string;
  version: number;
  closes_at: number; // seconds since 1970
  students: number;
  followers: number;
  shown: Shown | null;
  poll: Poll | null;
  handout: Handout | null;
  names: boolean; // whether the wall shows nicknames
}

/** A whole config, its groups by name: `{ clip: { threshold: 1 } }`. */
export type Config = Record<string, unknown>;

/** What a student's browser keeps of the class: what this student answered and trained. */
export interface Kept {
  poll?: number; // number of the poll that was answered, and
  choice?: number;
  handout?: number; // number of the hand-out for which a run was trained, and
  run?: string; // the address of that run
}

/** A setting that can be varied (`dashboard.experiment.varying`). */
export interface Setting {
  path: string;
  name: string;
  kind: "number" | "choice" | "switch";
  whole: boolean;
  allowed: string; // which numbers, in words; "" where its control offers nothing else
  choices: [key: string, title: string][];
  optional: boolean;
}

/** A lesson's texts as HTML of our own, and its question as the lesson has it (`dashboard.lessons.questions`). */
export interface Lesson {
  text: string;
  title: string;
  question: string;
  choices: string[];
  answer: string;
}

/** One student's run on the wall. */
export interface WallRun {
  watch: string; // its watch key
  label: string;
  status: string;
  step: number;
  steps: number;
  loss: number | null; // the newest; null where there is none or it is not finite
  varied: unknown; // what it says for the setting that is varied
  curve: { step: number[]; loss: (number | null)[] };
  profile: { t: number[]; norm: (number | null)[][] } | null; // by layer and timestep
}

export interface Wall {
  handout: number;
  vary: string | null; // path of the setting that is varied
  runs: WallRun[];
}

/** What the student's page is given. */
export interface ClassData {
  code: string;
  lessons: string; // address of all lessons' texts
  settings: string; // address of all settings that can be varied
}

/** What the lab gives the teacher's bar. */
export interface BarData extends ClassData {
  module: string;
  fresh: boolean; // whether the class has been opened just now
  address: string; // that students type
  local: boolean; // whether that is an address of this machine alone
  qr: string; // the code as SVG
  runs: string | null; // watch keys of what is shown
  lesson: string | null; // key of the lesson that is open
  poll: { question: string; choices: string[]; right: number } | null; // its question
  predicting: boolean; // whether it waits for a prediction
  handout: { config: Config; task: string; paths: string[] } | null; // what the controls say, and what can be varied of it
}

/** What a page follows: applied each time it differs from the last one. */
export interface Follow extends Pick<Show, "step"> {
  figure: string | null;
}
