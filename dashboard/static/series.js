// The measured columns of one run as they arrive from /api/records: decoded, kept bounded, thinned for drawing.

const MAX_ROWS = 8000; // training steps kept in the browser per run
const MAX_PROFILES = 400; // heatmap columns kept per run
const MAX_DRAWN = 800; // points drawn per line: two per pixel of a card
const COLUMNS = ["step", "train_loss", "grad_norm", "clip_coef", "update_norm", "learning_rate"];
const EVALUATIONS = { val_step: "step", val_loss: "val_loss", val_metric: "val_metric" };
const PROFILES = ["hidden_grad_norm", "cell_grad_norm", "direct_grad_norm"];

export class Series {
  constructor() {
    for (const name of [...COLUMNS, ...Object.keys(EVALUATIONS)]) this[name] = [];
    this.clipped_norm = []; // gradient norm after clipping
    this.profiles = []; // {step, hidden_grad_norm: Float32Array(L*T), ...}
    this.events = []; // [step, name, value]
    this.layers = 0;
    this.timesteps = 0;
    this.since = 0;
    this.complete = true; // whether every step so far is here, none left out by thinning
  }

  // Append one answer of the server; return whether anything new came.
  append(answer) {
    const columns = Object.fromEntries(COLUMNS.map((name) => [name, decode(answer.columns[name])]));
    for (const name of COLUMNS) for (const value of columns[name]) this[name].push(value);
    for (const [row, value] of columns.grad_norm.entries()) this.clipped_norm.push(value * columns.clip_coef[row]);
    for (const [name, column] of Object.entries(EVALUATIONS)) {
      for (const value of decode(answer.val[column])) this[name].push(value);
    }
    if (answer.profiles) this.appendProfiles(answer.profiles);
    this.events.push(...answer.events);
    this.since = answer.last_step;
    this.complete &&= !answer.decimated;
    this.bound();
    return answer.count > 0 || answer.profiles !== null || answer.events.length > 0;
  }

  appendProfiles(profiles) {
    this.layers = profiles.layers;
    this.timesteps = profiles.timesteps;
    const size = this.layers * this.timesteps;
    const arrays = PROFILES.map((name) => [name, decode(profiles[name])]).filter(([, array]) => array.length);
    decode(profiles.step).forEach((step, row) => {
      const profile = { step };
      for (const [name, array] of arrays) profile[name] = array.subarray(row * size, (row + 1) * size);
      profile.size = profile.hidden_grad_norm.reduce((sum, value) => sum + Math.log(value + 1e-38), 0);
      this.profiles.push(profile);
    });
  }

  bound() {
    if (this.step.length > MAX_ROWS) {
      const keep = extremes([this.train_loss, this.grad_norm], MAX_ROWS / 2);
      for (const name of [...COLUMNS, "clipped_norm"]) this[name] = keep.map((row) => this[name][row]);
      this.complete = false;
    }
    if (this.val_step.length > MAX_ROWS) {
      const keep = extremes([this.val_loss], MAX_ROWS / 2);
      for (const name of Object.keys(EVALUATIONS)) this[name] = keep.map((row) => this[name][row]);
    }
    if (this.profiles.length > MAX_PROFILES) {
      const keep = extremes([this.profiles.map((profile) => profile.size)], MAX_PROFILES / 2);
      this.profiles = keep.map((row) => this.profiles[row]);
    }
    if (this.events.length > 500) this.events.splice(0, this.events.length - 500);
  }

  // Points of a line, at most MAX_DRAWN, with every bucket's smallest and largest value among them.
  line(x, y) {
    if (this[y].length <= MAX_DRAWN) return [this[x].slice(), this[y].slice()];
    const keep = extremes([this[y]], MAX_DRAWN);
    return [keep.map((row) => this[x][row]), keep.map((row) => this[y][row])];
  }

  // Columns of a map at equal distances, which plotly draws fast: {first, apart, profiles}, at most `count`. Each is the
  // profile with the largest gradients of its stretch of steps, or else the nearest one.
  columns(name, count) {
    const known = this.profiles.filter((profile) => profile[name]);
    const [first, last] = [known[0]?.step ?? 1, known.at(-1)?.step ?? 1];
    const number = Math.min(count, known.length);
    const apart = (last - first) / Math.max(number - 1, 1) || 1;
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

  // The newest profile that has finite norms, or the one nearest to a step.
  profileAt(step) {
    if (step === null || !this.profiles.length) {
      return this.profiles.findLast((profile) => profile.hidden_grad_norm.some(Number.isFinite)) ?? null;
    }
    return this.profiles[nearest(this.profiles, step, (profile) => profile.step)];
  }

  // Row of the scalars nearest to a step (null: the newest), -1 if there is none.
  rowAt(step) {
    if (step === null || !this.step.length) return this.step.length - 1;
    return nearest(this.step, step, (value) => value);
  }

  // One layer (from 0) of a profile: T norms.
  layer(values, layer) {
    return values.subarray(layer * this.timesteps, (layer + 1) * this.timesteps);
  }
}

// The first step at which two runs with equal beginnings differ: {step} or {after, before}, null while they are equal.
export function firstDifference(a, b) {
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

// Index of the entry nearest to a value in an ascending list.
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

// Base64 of little-endian float32, as numpy writes it; a missing column is empty.
function decode(text) {
  if (!text) return new Float32Array(0);
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

// Row numbers, in order, of about `count` rows: per bucket the smallest and the largest of every column, and the ends.
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
