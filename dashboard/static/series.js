// The measured columns of one run as they arrive from /api/records: decoded, kept bounded, thinned for drawing.

import { decode } from "./base64.js";

/** @import { Change, Column, Evaluation, Packed, PackedProfiles, ProfileColumn, Records, Sent } from "./types.d.ts" */

/**
 * The profiles of one training step; size: sum of the logarithms of the hidden ones.
 * @typedef {{ step: number, size: number, hidden_grad_norm: Float32Array } &
 *   Partial<Record<ProfileColumn, Float32Array>>} Profile
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
   * Append one answer of the server; return whether anything new came.
   * @param {Records} answer
   */
  append(answer) {
    extend(this.columns, answer.columns);
    const { count: _, ...evaluations } = answer.val;
    extend(this.evaluations, evaluations);
    if (answer.profiles) this.appendProfiles(answer.profiles);
    this.events.push(...answer.events);
    this.since = answer.last_step;
    this.complete &&= !answer.decimated;
    this.bound();
    return answer.count > 0 || answer.profiles !== null || answer.events.length > 0;
  }

  /** @param {PackedProfiles} packed */
  appendProfiles(packed) {
    const { count: _, layers, timesteps, step: steps, ...columns } = packed;
    Object.assign(this, { layers, timesteps });
    const size = layers * timesteps;
    const arrays = Object.entries(columns).map(([name, text]) => ({ name, array: decode(text) }));
    for (const [row, step] of decode(steps).entries()) {
      /** @type {Profile} */
      const profile = { step, size: 0, hidden_grad_norm: new Float32Array(0) };
      for (const { name, array } of arrays) {
        Object.assign(profile, { [name]: array.subarray(row * size, (row + 1) * size) });
      }
      profile.size = profile.hidden_grad_norm.reduce((sum, value) => sum + Math.log(value + 1e-38), 0);
      this.profiles.push(profile);
    }
  }

  bound() {
    const { columns, evaluations } = this;
    if (columns.step.length > MAX_ROWS) {
      keepRows(columns, extremes([columns.train_loss, columns.grad_norm], MAX_ROWS / 2));
      this.complete = false;
    }
    if (evaluations.step.length > MAX_ROWS) {
      keepRows(evaluations, extremes([evaluations.val_loss], MAX_ROWS / 2));
    }
    if (this.profiles.length > MAX_PROFILES) {
      const keep = extremes([this.profiles.map((profile) => profile.size)], MAX_PROFILES / 2);
      this.profiles = keep.map((row) => this.profiles[row]);
    }
    if (this.events.length > 500) this.events.splice(0, this.events.length - 500);
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
   * Columns of a map at equal distances, which plotly draws fast, at most `count`. Each is the profile with the largest
   * gradients of its stretch of steps, or else the nearest one.
   * @param {ProfileColumn | Sent} name
   * @param {number} count
   */
  mapColumns(name, count) {
    const known = this.profiles.filter((profile) => norms(profile, name));
    const [first, last] = [known[0]?.step ?? 1, known.at(-1)?.step ?? 1];
    const number = Math.min(count, known.length);
    const apart = (last - first) / Math.max(number - 1, 1) || 1;
    /** @type {Profile[]} */
    const profiles = new Array(number);
    for (const profile of known) {
      const place = Math.round((profile.step - first) / apart);
      if (!(profiles[place]?.size >= profile.size)) profiles[place] = profile;
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
   * One layer of a profile: T norms, or nothing where it was not measured.
   * @param {Profile} profile
   * @param {ProfileColumn | Sent} name
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
  const keep = extremes([y], MAX_DRAWN);
  return [keep.map((row) => x[row]), keep.map((row) => y[row])];
}

/**
 * Append packed columns to those of the same names.
 * @param {Record<string, number[]>} columns
 * @param {Record<string, Packed>} packed
 */
function extend(columns, packed) {
  for (const [name, text] of Object.entries(packed)) {
    columns[name] ??= [];
    for (const value of decode(text)) columns[name].push(value);
  }
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
function extremes(columns, count) {
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
