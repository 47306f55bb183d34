// The cells that the microscope can open: what each computes at one timestep, and where it stands in the picture.

/** @import { Matrix, Tape, Value } from "./tape.js" */
/**
 * A matrix of the cell. block: what it belongs to; by: the value that it multiplies, "" for a bias.
 * @typedef {{ name: string, block: string, by: "x" | "h" | "" }} Part
 * What stands where in the picture of one timestep, in columns and rows; says: how it is written.
 * @typedef {{ name: string, says: string, at: [number, number] }} Place
 * @typedef {{
 *   title: string,
 *   blocks: [string, string][],
 *   parts: Part[],
 *   states: string[],
 *   places: Place[],
 *   step: (tape: Tape, w: Record<string, Matrix>, x: Value, before: Record<string, Value>, nonlinearity: string) => Record<string, Value>,
 * }} MicroCell
 */

/**
 * @param {string[]} blocks
 * @returns {Part[]}
 */
const gated = (blocks) =>
  blocks.flatMap((block) => [
    { name: `Wx_${block}`, block, by: "x" },
    { name: `Wh_${block}`, block, by: "h" },
    { name: `b_${block}`, block, by: "" },
  ]);

/**
 * @param {Tape} tape
 * @param {Record<string, Matrix>} w
 * @param {string} block
 * @param {Value} x
 * @param {Value} h
 */
const before = (tape, w, block, x, h) =>
  tape.affine(
    `a_${block}`,
    [
      [w[`Wx_${block}`], x],
      [w[`Wh_${block}`], h],
    ],
    [w[`b_${block}`]],
  );

/** @type {Record<string, MicroCell>} */
export const MICRO_CELLS = {
  rnn: {
    title: "RNN",
    blocks: [["h", "hidden state"]],
    parts: gated(["h"]),
    states: ["h"],
    places: [
      { name: "h", says: "h", at: [2, 0] },
      { name: "a_h", says: "a", at: [1, 0] },
    ],
    step(tape, w, x, { h }, nonlinearity) {
      return { h: tape.apply("h", nonlinearity, before(tape, w, "h", x, h)) };
    },
  },
  lstm: {
    title: "LSTM",
    blocks: [
      ["i", "input gate"],
      ["f", "forget gate"],
      ["g", "candidate"],
      ["o", "output gate"],
    ],
    parts: gated(["i", "f", "g", "o"]),
    states: ["h", "c"],
    places: [
      { name: "a_f", says: "a of f", at: [1, 1] },
      { name: "a_i", says: "a of i", at: [1, 2] },
      { name: "a_g", says: "a of g", at: [1, 3] },
      { name: "a_o", says: "a of o", at: [1, 4] },
      { name: "f", says: "f", at: [2, 1] },
      { name: "i", says: "i", at: [2, 2] },
      { name: "g", says: "g", at: [2, 3] },
      { name: "o", says: "o", at: [2, 4] },
      { name: "kept", says: "f × c", at: [3, 0] },
      { name: "new", says: "i × g", at: [3, 2] },
      { name: "c", says: "c", at: [4, 0] },
      { name: "squashed", says: "tanh c", at: [5, 2] },
      { name: "h", says: "h", at: [6, 4] },
    ],
    step(tape, w, x, { h, c }) {
      const gate = (/** @type {string} */ block) =>
        tape.apply(block, block === "g" ? "tanh" : "sigmoid", before(tape, w, block, x, h));
      const [i, f, g, o] = ["i", "f", "g", "o"].map(gate);
      const next = tape.plus("c", tape.times("kept", f, c), tape.times("new", i, g));
      return { c: next, h: tape.times("h", o, tape.apply("squashed", "tanh", next)) };
    },
  },
  gru: {
    title: "GRU",
    blocks: [
      ["r", "reset gate"],
      ["z", "update gate"],
      ["n", "candidate"],
    ],
    parts: [...gated(["r", "z", "n"]), { name: "b_hn", block: "n", by: "" }],
    states: ["h"],
    places: [
      { name: "a_z", says: "a of z", at: [1, 1] },
      { name: "a_r", says: "a of r", at: [1, 2] },
      { name: "z", says: "z", at: [2, 1] },
      { name: "r", says: "r", at: [2, 2] },
      { name: "a_hn", says: "W h", at: [2, 3] },
      { name: "gated", says: "r × W h", at: [3, 3] },
      { name: "a_xn", says: "W x", at: [3, 4] },
      { name: "rest", says: "1 − z", at: [3, 1] },
      { name: "a_n", says: "a of n", at: [4, 4] },
      { name: "kept", says: "z × h", at: [5, 0] },
      { name: "n", says: "n", at: [5, 4] },
      { name: "new", says: "(1 − z) × n", at: [6, 2] },
      { name: "h", says: "h", at: [7, 0] },
    ],
    step(tape, w, x, { h }) {
      const z = tape.apply("z", "sigmoid", before(tape, w, "z", x, h));
      const r = tape.apply("r", "sigmoid", before(tape, w, "r", x, h));
      const gatedState = tape.times("gated", r, tape.affine("a_hn", [[w.Wh_n, h]], [w.b_hn]));
      const fromInput = tape.affine("a_xn", [[w.Wx_n, x]], [w.b_n]);
      const n = tape.apply("n", "tanh", tape.plus("a_n", fromInput, gatedState));
      const fresh = tape.times("new", tape.apply("rest", "1 −", z), n);
      return { h: tape.plus("h", tape.times("kept", z, h), fresh) };
    },
  },
};
