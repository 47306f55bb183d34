// Networks to start from: each shows one thing that gradients do on their way back through time.

import { matrices } from "./micro_net.js";

/** @import { Net } from "./micro_net.js" */
/**
 * sets: numbers of matrices, row by row; all others are drawn at random.
 * @typedef {{ title: string, cell: string, steps: number, input: number, sets: Record<string, number[]> }} Start
 */

const ANSWER = { Wy: [1, -0.7], by: [0] };
const QUIET = Object.fromEntries(
  ["i", "f", "g", "o"].map((block, place) => [
    `Wh_${block}`,
    [0.1, -0.2, 0.15, 0.1].map((w) => Math.round(w * (100 - place * 20)) / 100),
  ]),
);

/** @type {Record<string, Start>} */
export const STARTS = {
  vanishing: {
    title: "RNN: the gradient vanishes",
    cell: "rnn",
    steps: 6,
    input: 1,
    sets: { Wx_h: [0.8, -0.5], Wh_h: [0.35, -0.2, 0.25, 0.3], b_h: [0, 0.1], ...ANSWER },
  },
  exploding: {
    title: "RNN: the gradient explodes",
    cell: "rnn",
    steps: 8,
    input: 0.01,
    sets: { Wx_h: [0.8, -0.5], Wh_h: [1.6, -0.8, 0.8, 1.5], b_h: [0, 0], ...ANSWER },
  },
  kept: {
    title: "LSTM: the cell state keeps it",
    cell: "lstm",
    steps: 6,
    input: 1,
    sets: { b_f: [3, 4], b_i: [0.5, 0], b_o: [1, 1], ...QUIET, ...ANSWER },
  },
  forgotten: {
    title: "LSTM: closed forget gates lose it",
    cell: "lstm",
    steps: 6,
    input: 1,
    sets: { b_f: [-1, -1.5], b_i: [0.5, 0], b_o: [1, 1], ...QUIET, ...ANSWER },
  },
  passed: {
    title: "GRU: the update gate keeps it",
    cell: "gru",
    steps: 6,
    input: 1,
    sets: { b_z: [3.5, 4], ...ANSWER },
  },
};

/**
 * @param {Start} start
 * @param {number} seed of the numbers that are not set
 * @returns {Net}
 */
export function started({ cell, steps, input, sets }, seed = 1) {
  const random = numbers(seed);
  const number = (/** @type {string} */ name, /** @type {number} */ row, /** @type {number} */ column) => {
    const drawn = random(); // also where another is set: those after it stay the same
    return sets[name]?.[row * (name.startsWith("Wh") || name === "Wy" ? 2 : 1) + column] ?? drawn;
  };
  const inputs = Array.from({ length: steps }, (_, place) => [place === 0 ? input : 0]);
  const targets = Array.from({ length: steps }, () => [0.5]);
  return sized(cell, 2, "tanh", false, inputs, targets, number);
}

/**
 * A network with random numbers.
 * @param {string} cell
 * @param {number} hidden
 * @param {string} nonlinearity
 * @param {boolean} every
 * @param {number[][]} inputs
 * @param {number[][]} targets
 * @param {(name: string, row: number, column: number) => number} number
 * @returns {Net}
 */
export function sized(cell, hidden, nonlinearity, every, inputs, targets, number) {
  const weights = matrices(cell, hidden, inputs[0].length, targets[0].length, number);
  return { cell, hidden, nonlinearity, every, inputs, targets, weights };
}

/**
 * Numbers between -1 and 1 of two decimals, the same for the same seed.
 * @param {number} seed
 */
export function numbers(seed) {
  let state = (seed * 48271) % 2147483647;
  return () => {
    state = (state * 48271) % 2147483647;
    return Math.round((state / 2147483647 - 0.5) * 200) / 100;
  };
}

/**
 * The network to begin with: the one that is named, else the first of a cell, else the first of all.
 * @param {string} start
 * @param {string} cell
 */
export function firstOf(start, cell) {
  const keys = Object.keys(STARTS);
  return keys.find((key) => key === start) ?? keys.find((key) => STARTS[key].cell === cell) ?? keys[0];
}

/**
 * Name the network in the page's address, so that the address can be passed on.
 * @param {string} key of STARTS; '' for a network of the reader's own
 */
export function name(key) {
  const address = new URL(location.href);
  if (key) address.searchParams.set("start", key);
  else address.searchParams.delete("start");
  address.searchParams.delete("like");
  history.replaceState(history.state, "", address);
}
