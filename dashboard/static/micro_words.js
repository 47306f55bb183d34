// Values and their arithmetic in words and numbers, as the microscope writes them.

import { MICRO_CELLS } from "./micro_cells.js";

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

/** @param {number} value */
const inner = (value) => (value < 0 || Object.is(value, -0) ? `(${digits(value)})` : digits(value));

const STATES = { h: "hidden state", c: "cell state" };

/**
 * What the profile of the gradient says, from the numbers alone.
 * @param {string} name of the state
 * @param {number[]} norms at t = 1 to T
 */
export function story(name, norms) {
  const [first, last, T] = [norms[0], norms[norms.length - 1], norms.length];
  const whose = `the gradient by the ${STATES[/** @type {"h"} */ (name)]}`;
  if (!(last > 0 && first < Infinity))
    return `At t = 1 ${whose} is ${digits(first)} long, at t = ${T} ${digits(last)}.`;
  const start = `From t = ${T} back to t = 1 ${whose}`;
  const ratio = first / last;
  const numbers = `from ${digits(last)} to ${digits(first)}`;
  if (ratio === 0) return `${start} falls ${numbers}: nothing is learned about t = 1.`;
  if (ratio < 0.1) return `${start} shrinks ${numbers}: it vanishes.`;
  if (ratio > 10) return `${start} grows ${numbers}: it explodes.`;
  return `${start} goes ${numbers}: it neither vanishes nor explodes.`;
}
