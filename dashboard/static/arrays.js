// Arrays of a snapshot: base64 with a shape, or lists of lists.

import { decode } from "./base64.js";

/** @import { PackedArray } from "./types.d.ts" */

/**
 * An array with its first dimensions taken away: by the indices given, and by 0 where there are too few of them. It is
 * empty where it does not reach so far.
 * @param {PackedArray | unknown[]} array
 * @param {number[]} indices
 * @param {number} dimensions how many are to be left
 */
export function slice(array, indices, dimensions) {
  const packed = !Array.isArray(array);
  let shape = packed ? array.shape : shapeOf(array);
  /** @type {number[]} */
  let values = packed ? [...decode(array.data)] : /** @type {number[]} */ (array.flat(Infinity));
  for (let place = 0; shape.length > dimensions; place++) {
    const [length, ...rest] = shape;
    const index = indices[place] ?? 0;
    const size = rest.reduce((product, each) => product * each, 1);
    values = index < length ? values.slice(index * size, (index + 1) * size) : [];
    shape = rest;
  }
  return { shape, values };
}

/**
 * @param {unknown} list
 * @returns {number[]}
 */
function shapeOf(list) {
  return Array.isArray(list) ? [list.length, ...shapeOf(list[0])] : [];
}
