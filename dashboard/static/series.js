// The measured columns of one run as they arrive from /api/records: decoded, kept bounded, thinned for drawing.

const MAX_ROWS = 8000; // training steps kept in the browser per run
const MAX_PROFILES = 480; // heatmap columns kept per run
const MAX_DRAWN = 1500; // points drawn per line
export const COLUMNS = ["step", "train_loss", "grad_norm", "clip_coef", "update_norm", "learning_rate"];
const EVALUATIONS = { val_step: "step", val_loss: "val_loss", val_metric: "val_metric" };
const PROFILES = ["hidden_grad_norm", "cell_grad_norm", "direct_grad_norm"];

export class Series {
  constructor() {
    for (const name of [...COLUMNS, ...Object.keys(EVALUATIONS)]) this[name] = [];
    this.profiles = []; // {step, hidden_grad_norm: Float32Array(L*T), ...}
    this.layers = 0;
    this.timesteps = 0;
    this.since = 0;
  }

  // Append one answer of the server; return whether anything new came.
  append(answer) {
    for (const name of COLUMNS) for (const value of decode(answer.columns[name])) this[name].push(value);
    for (const [name, column] of Object.entries(EVALUATIONS)) {
      for (const value of decode(answer.val[column])) this[name].push(value);
    }
    if (answer.profiles) this.appendProfiles(answer.profiles);
    this.since = answer.last_step;
    this.bound();
    return answer.count > 0 || answer.profiles !== null;
  }

  appendProfiles(profiles) {
    this.layers = profiles.layers;
    this.timesteps = profiles.timesteps;
    const size = this.layers * this.timesteps;
    const arrays = PROFILES.map((name) => [name, decode(profiles[name])]).filter(([, array]) => array.length);
    decode(profiles.step).forEach((step, row) => {
      const profile = { step };
      for (const [name, array] of arrays) profile[name] = array.subarray(row * size, (row + 1) * size);
      this.profiles.push(profile);
    });
  }

  bound() {
    if (this.step.length > MAX_ROWS) {
      const keep = extremes([this.train_loss, this.grad_norm], MAX_ROWS / 2);
      for (const name of COLUMNS) this[name] = keep.map((row) => this[name][row]);
    }
    if (this.val_step.length > MAX_ROWS) {
      const keep = extremes([this.val_loss], MAX_ROWS / 2);
      for (const name of Object.keys(EVALUATIONS)) this[name] = keep.map((row) => this[name][row]);
    }
    if (this.profiles.length > MAX_PROFILES) {
      const size = this.profiles.map((profile) => profile.hidden_grad_norm.reduce((sum, value) => sum + Math.log(value + 1e-38), 0));
      this.profiles = extremes([size], MAX_PROFILES / 2).map((row) => this.profiles[row]);
    }
  }

  // Points of a line, at most MAX_DRAWN, with every bucket's smallest and largest value among them.
  line(x, y) {
    if (this[y].length <= MAX_DRAWN) return [this[x].slice(), this[y].slice()];
    const keep = extremes([this[y]], MAX_DRAWN);
    return [keep.map((row) => this[x][row]), keep.map((row) => this[y][row])];
  }

  latestProfile() {
    return this.profiles[this.profiles.length - 1] ?? null;
  }

  // One layer (from 0) of a profile: T norms.
  layer(values, layer) {
    return values.subarray(layer * this.timesteps, (layer + 1) * this.timesteps);
  }
}

// Base64 of little-endian float32, as numpy writes it; a missing column is empty.
export function decode(text) {
  if (!text) return new Float32Array(0);
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

// Row numbers, in order, of about `count` rows: per bucket the smallest and the largest of every given column, plus the last.
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
