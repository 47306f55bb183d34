// A network that is small enough to read: its numbers, the loss, and the way back through time.

import { MICRO_CELLS } from "./micro_cells.js";
import { Matrix, Tape } from "./tape.js";

/** @import { Nudge } from "./tape.js" */
/**
 * inputs (T, I), targets (T, O); without `every`, the last answer alone counts.
 * @typedef {{
 *   cell: string, hidden: number, nonlinearity: string, every: boolean,
 *   inputs: number[][], targets: number[][], weights: Record<string, Matrix>,
 * }} Net
 */

export const MOST_UNITS = 4;
export const MOST_STEPS = 8;

/**
 * The matrices of a network by name: those of its cell, then W_y and b_y of the answer.
 * @param {string} cell
 * @param {number} hidden
 * @param {number} inputSize
 * @param {number} outputSize
 * @param {(name: string, row: number, column: number) => number} number
 */
export function matrices(cell, hidden, inputSize, outputSize, number) {
  const width = { x: inputSize, h: hidden, "": 1 };
  const shapes = MICRO_CELLS[cell].parts.map(({ name, by }) => /** @type {const} */ ([name, hidden, width[by]]));
  /** @type {Record<string, Matrix>} */
  const weights = {};
  for (const [name, rows, columns] of [...shapes, ["Wy", outputSize, hidden], ["by", outputSize, 1]]) {
    const places = Array.from({ length: Number(rows) * Number(columns) }, (_, place) => place);
    const data = places.map((place) => number(`${name}`, Math.floor(place / Number(columns)), place % Number(columns)));
    weights[name] = new Matrix(`${name}`, Number(rows), Number(columns), data);
  }
  return weights;
}

/**
 * Everything that the network computes, forward and back. The loss is the mean squared error over all answers that count.
 * @param {Net} net
 * @param {Nudge | null} nudge
 */
export function compute(net, nudge = null) {
  const tape = forward(net, nudge);
  tape.back();
  return tape;
}

/**
 * @param {Net} net
 * @param {Nudge | null} nudge
 */
function forward({ cell, hidden, nonlinearity, every, inputs, targets, weights }, nudge) {
  const { states, step } = MICRO_CELLS[cell];
  const tape = new Tape(nudge);
  let state = Object.fromEntries(states.map((name) => [name, tape.given(name, new Float64Array(hidden))]));
  for (const [place, input] of inputs.entries()) {
    tape.t = place + 1;
    state = step(tape, weights, tape.given("x", input), state, nonlinearity);
    if (!every && tape.t < inputs.length) continue;
    const y = tape.affine("y", [[weights.Wy, state.h]], [weights.by]);
    const errors = y.data.map((each, row) => each - targets[place][row]);
    const scale = 1 / errors.length / (every ? inputs.length : 1);
    const loss = errors.reduce((sum, error) => sum + error * error * scale, 0);
    tape.loss(
      loss,
      y,
      errors.map((error) => 2 * error * scale),
    );
  }
  return tape;
}

/**
 * How fast the loss changes with one number, by moving it: what the gradient has to be, measured without one.
 * @param {Net} net
 * @param {Omit<Nudge, "by">} where
 */
export function measured(net, where, by = 1e-5) {
  const [up, down] = [by, -by].map((each) => forward(net, { ...where, by: each }).total());
  return (up - down) / (2 * by);
}

/**
 * The norm of the gradient by one state at each timestep, 1 to T.
 * @param {Tape} tape
 * @param {number} steps
 */
export function profile(tape, steps, name = "h") {
  return Array.from({ length: steps }, (_, place) => Math.hypot(...(tape.find(name, place + 1)?.grad ?? [])));
}

/**
 * The norm of the gradient by all weights.
 * @param {Net} net
 */
export const gradNorm = (net) => Math.hypot(...Object.values(net.weights).map(({ grad }) => Math.hypot(...grad)));

/**
 * One step of gradient descent; a gradient longer than the threshold is shortened to it.
 * @param {Net} net whose gradients are computed
 * @param {number} rate
 * @param {number} threshold Infinity: no clipping
 */
export function descend(net, rate, threshold) {
  const norm = gradNorm(net);
  const scale = norm > threshold ? threshold / norm : 1;
  for (const matrix of Object.values(net.weights)) {
    for (const [place, slope] of matrix.grad.entries()) matrix.data[place] -= rate * scale * slope;
  }
}
