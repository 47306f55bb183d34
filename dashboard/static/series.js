// The measured columns of one run as they arrive from /api/records: decoded, kept bounded, thinned for drawing.

import { decode } from "./base64.js";
import { extremes, PER_BUCKET, sizeOf, thinned } from "./thinning.js";

/** @import { Change, Column, CountColumn, Evaluation, Packed, PackedProfiles, ProfileColumn, Records, Sent } from "./types.d.ts" */

/** @import { Size } from "./thinning.js" */
/**
 * The profiles of one training step, and the size of the hidden ones.
 * @typedef {{ step: number, hidden_grad_norm: Float32Array } & Size &
 *   Partial<Record<ProfileColumn | CountColumn, Float32Array>>} Profile
 */

const MAX_ROWS = 8000; // training steps kept in the browser per run
const MAX_PROFILES = 400; // heatmap columns kept per run
const MAX_DRAWN = 800; // points drawn per line: two per pixel of a card
/** @type {number[]} */
const NONE = []; // what was measured of a column that the server does not send

export class Series {
  /** @type {Record<Column, number[]>} */ columns = { step: [], train_loss: [], grad_norm: [] }; // and whatever else comes
  /** @type {{ step: number[], val_loss: number[] }} */ evaluations = { step: [], val_loss: [] }; // likewise
  /** @type {Profile[]} */ profiles = []; // each with L * T numbers a column
  /** @type {Change[]} */ events = [];
  layers = 0;
  timesteps = 0;
  since = 0;
  complete = true; // whether every step so far is here, none left out by thinning

  /**
   * Append one answer of the server; return whether anything new came. One that is for many may begin with what is known.
   * @param {Records} answer
   */
  append(answer) {
    const known = answer.since < this.since ? this.since : 0;
    const rows = extend(this.columns, answer.columns, known);
    const { count: _, ...evaluations } = answer.val;
    extend(this.evaluations, evaluations, known);
    const before = this.profiles.length;
    if (answer.profiles) {
      this.layers = answer.profiles.layers;
      this.timesteps = answer.profiles.timesteps;
      this.profiles.push(...unpack(answer.profiles).filter(({ step }) => step > known));
    }
    const profiles = this.profiles.length - before;
    const changed = answer.events.filter((event) => this.take(event));
    this.since = Math.max(known, answer.last_step);
    this.complete &&= !answer.decimated;
    this.bound();
    return rows > 0 || profiles > 0 || changed.length > 0;
  }

  /**
   * Take up a changed setting; whether it is news. One for the step to come is sent until that step is here, and may be
   * changed again before.
   * @param {Change} event
   */
  take(event) {
    const [step, name, value] = event;
    const known = this.events.findLastIndex((other) => other[0] === step && other[1] === name);
    if (known >= 0 && this.events[known][2] === value) return false;
    if (known >= 0) this.events.splice(known, 1);
    this.events.push(event);
    return true;
  }

  bound() {
    const { columns, evaluations } = this;
    if (columns.step.length > MAX_ROWS) {
      keepRows(columns, spikes(measured(columns), MAX_ROWS / 2));
      this.complete = false;
    }
    if (evaluations.step.length > MAX_ROWS) {
      keepRows(evaluations, spikes(measured(evaluations), MAX_ROWS / 2));
    }
    if (this.profiles.length > MAX_PROFILES) this.profiles = thinned(this.profiles, MAX_PROFILES / 2);
    if (this.events.length > 500) this.events.splice(0, this.events.length - 500);
  }

  /**
   * Whether sequences are of unequal length: their profiles are aligned at the ends, so that a column is a lag, and not
   * all columns are means over as many of them.
   */
  get ragged() {
    const counts = this.profiles.at(-1)?.sequence_count;
    const most = counts?.at(-1) ?? 0;
    return counts?.some((count) => count > 0 && count < most) ?? false;
  }

  /** The newest step, 0 before the first. */
  get last() {
    return this.columns.step.at(-1) ?? 0;
  }

  /**
   * What a figure reads of every step.
   * @param {Column | Sent} name
   */
  column(name) {
    return /** @type {Record<string, number[]>} */ (this.columns)[name] ?? NONE;
  }

  /**
   * The same of the steps with an evaluation.
   * @param {Evaluation | Sent} name
   */
  evaluation(name) {
    return /** @type {Record<string, number[]>} */ (this.evaluations)[name] ?? NONE;
  }

  /**
   * Columns of a map at equal distances, which plotly draws fast, at most `count`. Those of each stretch of PER_BUCKET
   * columns show the profiles that the rule of thinning keeps of it, and else the nearest one.
   * @param {ProfileColumn | CountColumn | Sent} name
   * @param {number} count
   */
  mapColumns(name, count) {
    const known = this.profiles.filter((profile) => norms(profile, name));
    const [first, last] = [known[0]?.step ?? 1, known.at(-1)?.step ?? 1];
    const number = Math.min(count, known.length);
    const apart = (last - first) / Math.max(number - 1, 1) || 1;
    /** @type {Profile[]} */
    const profiles = new Array(number);
    const placeOf = (/** @type {Profile} */ profile) => Math.round((profile.step - first) / apart);
    for (let begin = 0, end = 0; begin < known.length; begin = end) {
      const from = placeOf(known[begin]) - (placeOf(known[begin]) % PER_BUCKET);
      const to = Math.min(from + PER_BUCKET, number);
      while (end < known.length && placeOf(known[end]) < to) end++;
      const kept = [...new Set(extremes(known.slice(begin, end)))].slice(0, to - from).sort((a, b) => a.step - b.step);
      let free = from;
      for (const [index, profile] of kept.entries()) {
        const place = Math.min(Math.max(placeOf(profile), free), to - kept.length + index); // leaves room for the others
        profiles[place] = profile;
        free = place + 1;
      }
    }
    for (let place = 0; place < number; place++) {
      profiles[place] ??= known[nearest(known, first + place * apart, (profile) => profile.step)];
    }
    return { first, apart, profiles };
  }

  /**
   * The newest profile that has finite norms, or the one nearest to a step.
   * @param {number | null} step
   * @returns {Profile | null}
   */
  profileAt(step) {
    if (step === null || !this.profiles.length) {
      return this.profiles.findLast((profile) => profile.hidden_grad_norm.some(Number.isFinite)) ?? null;
    }
    return this.profiles[nearest(this.profiles, step, (profile) => profile.step)];
  }

  /**
   * Row of the scalars nearest to a step (null: the newest), -1 if there is none.
   * @param {number | null} step
   */
  rowAt(step) {
    const steps = this.columns.step;
    return step === null || !steps.length ? steps.length - 1 : nearest(steps, step, (value) => value);
  }

  /**
   * Which layer of this run is shown, from 0: the one that the reader chose, or its own top one.
   * @param {number | null} chosen
   */
  shown(chosen) {
    return chosen ?? Math.max(0, this.layers - 1);
  }

  /**
   * One layer of a profile: T norms, or nothing where it was not measured.
   * @param {Profile} profile
   * @param {ProfileColumn | CountColumn | Sent} name
   * @param {number} layer from 0
   */
  layer(profile, name, layer) {
    const values = norms(profile, name) ?? new Float32Array(0);
    return values.subarray(layer * this.timesteps, (layer + 1) * this.timesteps);
  }
}

/**
 * @param {Profile} profile
 * @param {string} name
 */
function norms(profile, name) {
  return /** @type {Record<string, Float32Array | undefined>} */ (/** @type {unknown} */ (profile))[name];
}

/**
 * The first step at which two runs with equal beginnings differ, null while they are equal; exact: whether every step
 * before it is known to be equal.
 * @param {Series} a
 * @param {Series} b
 */
export function firstDifference({ columns: a }, { columns: b }) {
  let equal = 0;
  for (let i = 0, j = 0; i < a.step.length && j < b.step.length; ) {
    if (a.step[i] < b.step[j]) i++;
    else if (a.step[i] > b.step[j]) j++;
    else {
      const step = a.step[i];
      if (!Object.is(a.train_loss[i], b.train_loss[j]) || !Object.is(a.grad_norm[i], b.grad_norm[j])) {
        return { step, exact: step === equal + 1 };
      }
      equal = step;
      i++;
      j++;
    }
  }
  return null;
}

/**
 * Points of a line, at most MAX_DRAWN, with every bucket's smallest and largest value among them.
 * @param {number[]} x
 * @param {number[]} y
 */
export function lineOf(x, y) {
  if (y.length <= MAX_DRAWN) return [x.slice(), y.slice()];
  const keep = spikes([y], MAX_DRAWN);
  return [keep.map((row) => x[row]), keep.map((row) => y[row])];
}

/**
 * Take packed profiles apart, one a step.
 * @param {PackedProfiles} packed
 */
export function unpack({ count: _, layers, timesteps, step: steps, ...columns }) {
  const numbers = layers * timesteps;
  const arrays = Object.entries(columns).map(([name, text]) => ({ name, array: decode(text) }));
  return [...decode(steps)].map((step, row) => {
    const own = arrays.map(({ name, array }) => [name, array.subarray(row * numbers, (row + 1) * numbers)]);
    /** @type {Pick<Profile, ProfileColumn | CountColumn>} */
    const norms = Object.fromEntries(own);
    const size = sizeOf(norms.hidden_grad_norm, timesteps, norms.sequence_count);
    return /** @type {Profile} */ ({ step, ...size, ...norms });
  });
}

/**
 * Append packed columns to those of the same names, from the first step after `known` on; return how many rows.
 * @param {Record<string, number[]>} columns
 * @param {Record<string, Packed>} packed
 * @param {number} known
 */
function extend(columns, packed, known) {
  const steps = decode(packed.step);
  const next = steps.findIndex((step) => step > known);
  const from = next < 0 ? steps.length : next;
  for (const [name, text] of Object.entries(packed)) {
    columns[name] ??= [];
    for (const value of decode(text).subarray(from)) columns[name].push(value);
  }
  return steps.length - from;
}

/**
 * All columns but the steps.
 * @param {Record<string, number[]>} columns
 */
function measured({ step: _, ...columns }) {
  return Object.values(columns);
}

/**
 * @param {Record<string, number[]>} columns
 * @param {number[]} rows
 */
function keepRows(columns, rows) {
  for (const [name, values] of Object.entries(columns)) columns[name] = rows.map((row) => values[row]);
}

/**
 * Index of the entry nearest to a value in an ascending list.
 * @template E
 * @param {E[]} list
 * @param {number} value
 * @param {(entry: E) => number} key
 */
function nearest(list, value, key) {
  let low = 0;
  let high = list.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (key(list[middle]) < value) low = middle + 1;
    else high = middle;
  }
  return low > 0 && value - key(list[low - 1]) <= key(list[low]) - value ? low - 1 : low;
}

/**
 * Row numbers, in order, of about `count` rows: per bucket the smallest and the largest of every column, and the ends.
 * @param {number[][]} columns
 * @param {number} count
 */
function spikes(columns, count) {
  const length = columns[0].length;
  const buckets = Math.max(1, Math.floor(count / (2 * columns.length)));
  const rows = new Set([0, length - 1]);
  for (let bucket = 0; bucket < buckets; bucket++) {
    const start = Math.floor((bucket * length) / buckets);
    const end = Math.floor(((bucket + 1) * length) / buckets);
    for (const column of columns) {
      let low = start;
      let high = start;
      for (let row = start; row < end; row++) {
        if (column[row] < column[low]) low = row;
        if (column[row] > column[high] || !Number.isFinite(column[row])) high = row;
      }
      rows.add(low).add(high);
    }
  }
  return [...rows].sort((a, b) => a - b);
}
