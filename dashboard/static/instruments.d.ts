// Instruments on demand: what the server says of them, and what their cards need of the board.

import type { Spec } from "./figures.d.ts";
import type { Plotly } from "./plotly.d.ts";
import type { LiveRun } from "./types.d.ts";

/** What `assets/instruments.json` says (`dashboard.server.assets`). */
export interface InstrumentList {
  whole: string; // address of the plotly.js that draws surfaces too
  no_course: string; // why no watched run is followed over training
  instruments: InstrumentEntry[];
}

/** An entry of `rnncore.on_demand`. */
export interface InstrumentEntry {
  key: string;
  title: string;
  help: string;
  look: string;
  formula: string;
  source: string;
  follows: boolean; // whether it can be followed over training
  asks: { name: string; empty: string }[]; // numbers that the reader may choose, and what is taken where none is
  terms: string[]; // of the glossary
  unwatched: string; // why it is not read of watched runs, or ''
  small: string; // page of the app with a small example of the run's cell, or ''
}

/** One picture of a reading (`dashboard.figures.panels`). */
export interface Picture {
  key: string;
  title: string;
  help: string;
  slices: boolean; // whether pointing at its map draws a row and a column
  rolls: boolean; // whether balls stand at the ends of ways, along which they can roll
  whole: boolean; // whether the small plotly.js lacks what it takes
  spec?: Spec;
  letters?: string[];
  rows?: (number | null)[][];
}

/** What GET /api/runs/ID/instruments/KEY says. */
export interface ReadingAnswer {
  instrument: string;
  step: number;
  seconds: number; // that it took to work it out
  most?: Record<string, number>; // the largest number of each choice, which the board is told
  choice: string; // what the reader chose, in words, or ''
  said: string[];
  notes: string[];
  undefined: string; // why there is nothing to draw, or ''
  waiting?: string; // what is said while the program of a watched run is asked for a reading, or for a newer one
  pictures: Picture[];
}

/** What cards ask the board. */
export interface Hooks {
  write: (node: HTMLElement, sentence: string) => void; // with words of the glossary that can be asked about
  now: () => { runs: LiveRun[]; step: number | null; theme: string };
  colors: () => string[];
  plotly: () => Promise<Plotly>;
}

/** What `open` of instruments.js returns. */
export interface Opened {
  follow: (news: boolean) => void;
  stop: () => void;
}

/** What a report holds of one reading (`dashboard.exports.payload.run_readings`). */
export interface ReportReading {
  title: string;
  help: string;
  label: string;
  color: number;
  last: number; // step of the run
  light: ReadingAnswer;
  dark: ReadingAnswer;
}

/** The whole number nearest to what was typed that can be asked for (`instruments.js`). */
export function allowed(typed: string, most: string): string;
