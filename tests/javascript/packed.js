// What the server sends, made by hand: columns as it packs them, answers with only what a test needs.

/** @import { PackedProfiles, Records, Sent } from "../../dashboard/static/types.d.ts" */

/**
 * Base64 of little-endian float32.
 * @param {number[]} values
 */
export function packed(values) {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  for (const [place, value] of values.entries()) view.setFloat32(4 * place, value, true);
  return Buffer.from(view.buffer).toString("base64");
}

/**
 * An answer with one record a step; the loss of a step is 1 / step, its gradient's norm twice that, unless given.
 * @param {number[]} steps
 * @param {{ train_loss?: number[], grad_norm?: number[], clip_coef?: number[] } & Partial<Records>} given
 * @returns {Records}
 */
export function answer(steps, { train_loss, grad_norm, clip_coef, ...others } = {}) {
  const last = steps.at(-1) ?? 0;
  const more = { clip_coef: packed(clip_coef ?? steps.map(() => 1)), update_norm: packed(steps.map(() => 0.01)) };
  return {
    status: "running",
    reason: null,
    steps: 1000,
    last_step: last,
    steps_per_second: 100,
    since: (steps[0] ?? 1) - 1,
    decimated: false,
    missing: [],
    count: steps.length,
    columns: {
      step: packed(steps),
      train_loss: packed(train_loss ?? steps.map((step) => 1 / step)),
      grad_norm: packed(grad_norm ?? steps.map((step) => 2 / step)),
      ...more,
    },
    val: { count: 0, step: "", val_loss: "", val_metric: "" },
    profiles: null,
    snapshot_step: null,
    events: [],
    ...others,
  };
}

/**
 * Profiles of one layer: the norm at timestep t of a step is what `norms` says.
 * @param {number[]} steps
 * @param {(step: number) => number[]} norms
 * @returns {PackedProfiles}
 */
export function profiles(steps, norms) {
  return {
    count: steps.length,
    layers: 1,
    timesteps: norms(steps[0]).length,
    step: packed(steps),
    hidden_grad_norm: packed(steps.flatMap(norms)),
  };
}

/**
 * A name of a column as a figure sends it.
 * @param {string} name
 */
export const sent = (name) => /** @type {Sent} */ (name);
