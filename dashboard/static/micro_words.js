// Values and their arithmetic in words and numbers, as the microscope writes them.

import { MICRO_CELLS } from "./micro_cells.js";
import { arrivals } from "./tape.js";

/** @import { Value } from "./tape.js" */

/** @param {number} place from 0; written from 1 */
export const below = (place) => String(place + 1).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[Number(digit)]);

/**
 * Four digits, and no exponent where the number can be read without one.
 * @param {number} value
 */
export function digits(value) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (value !== 0 && (size < 1e-4 || size >= 1e5)) return minus(value.toExponential(2).replace("e+", "e"));
  return minus(String(Number(value.toPrecision(4))));
}

/** @param {string} text */
const minus = (text) => text.replaceAll("-", "−");

/**
 * The name of a value within its timestep, as the picture writes it.
 * @param {string} cell
 * @param {string} name
 */
export function says(cell, name) {
  if (name === "loss") return "L";
  return MICRO_CELLS[cell].places.find((place) => place.name === name)?.says ?? name;
}

/**
 * @param {string} cell
 * @param {{ name: string, data: ArrayLike<number> }} value
 * @param {number} unit
 */
export function called(cell, { name, data }, unit) {
  const text = says(cell, name);
  if (name === "loss") return text;
  return text.includes(" ")
    ? `${text} (unit ${unit + 1})`
    : data.length > 1 || name === "h"
      ? text + below(unit)
      : text;
}

/**
 * How an element of a value was computed, with its numbers.
 * @param {Value} value
 * @param {number} unit
 */
export function formula(value, unit) {
  const number = digits;
  const [first, second] = value.edges.map(({ source }) => source.data[unit]);
  const result = ` = ${number(value.data[unit])}`;
  if (value.op === "given") return number(value.data[unit]);
  if (value.op === "times") return `${inner(first)} × ${inner(second)}${result}`;
  if (value.op === "plus") return `${number(first)} + ${inner(second)}${result}`;
  if (value.op === "1 −") return `1 − ${inner(first)}${result}`;
  if (value.op === "loss") return number(value.data[0]);
  if (value.op === "affine") {
    const products = value.edges.flatMap((edge) =>
      "matrix" in edge
        ? [...edge.source.data].map(
            (each, place) => `${inner(edge.matrix.data[unit * edge.matrix.columns + place])} × ${inner(each)}`,
          )
        : [],
    );
    const biases = value.biases.map((bias) => inner(bias.data[unit]));
    return [...products, ...biases].join(" + ") + result;
  }
  return `${value.op}(${number(first)})${result}`;
}

const FEW = 3; // products that are told in a line

/**
 * How an element of a value was computed, and its gradient, in a line.
 * @param {string} cell
 * @param {Value} value
 * @param {number} unit
 * @param {boolean} known whether the way forward has come here
 * @param {boolean} arrived whether the way back has
 */
export function inShort(cell, value, unit, known, arrived) {
  const name = called(cell, value, unit);
  if (!known) return `${name} at t = ${value.t} is not computed yet.`;
  const forward = `At t = ${value.t}: ${name} = ${formula(value, unit)}`;
  if (!arrived || value.name === "loss") return forward;
  const all = arrivals(value, unit);
  const products = all.map(({ arriving, local }) => `${inner(arriving)} × ${inner(local)}`).join(" + ");
  const sum = all.length > FEW ? `the sum of ${all.length} products` : products;
  return `${forward}, ∂L/∂${name} = ${sum && `${sum} = `}${digits(value.grad[unit])}`;
}

/** @param {number} value */
const inner = (value) => (value < 0 || Object.is(value, -0) ? `(${digits(value)})` : digits(value));

const STATES = { h: "hidden state", c: "cell state" };

/**
 * What the profiles of the gradient say, from the numbers alone: a sentence for each state.
 * @param {Record<string, number[]>} profiles norms at t = 1 to T by the name of the state
 */
export const story = (profiles) =>
  Object.entries(profiles)
    .map(([name, norms], place) => sentence(STATES[/** @type {"h"} */ (name)], norms, place === 0))
    .join(" ");

/**
 * @param {string} state
 * @param {number[]} norms
 * @param {boolean} first whether the reader has still to be told from where to where
 */
function sentence(state, norms, first) {
  const [to, from, T] = [norms[0], norms[norms.length - 1], norms.length];
  const whose = first ? `From t = ${T} back to t = 1 the gradient by the ${state}` : `That by the ${state}`;
  const numbers = `from ${digits(from)} to ${digits(to)}`;
  if (!(from > 0 && to < Infinity)) return `${whose} goes ${numbers}.`;
  if (to / from < 0.1) return `${whose} shrinks ${numbers}: it vanishes.`;
  if (to / from > 10) return `${whose} grows ${numbers}: it explodes.`;
  return `${whose} goes ${numbers}: it neither vanishes nor explodes.`;
}

/**
 * What happens at a moment on the way.
 * @param {number} moment 0 to T: forward up to there; T + 1 to 2T: back as far
 * @param {number} steps T
 * @param {boolean} every whether all answers count
 */
export function passing(moment, steps, every) {
  if (moment === 0) return "Before the first timestep: all states are 0.";
  if (moment <= steps) {
    const states = moment > 1 ? `the states at t = ${moment - 1} and ` : "";
    return `Forward, t = ${moment} of ${steps}: computed from ${states}the input.`;
  }
  const t = 2 * steps - moment + 1;
  if (t === steps) return `Back, t = ${t}: the gradient comes from the loss.`;
  return `Back, t = ${t}: the gradient comes from t = ${t + 1}${every ? ", and from the loss of the answer here" : ""}.`;
}
