// Networks of the microscope as JSON on standard input, what it computes of them on standard output: see tests/dashboard/test_microscope.py.

import { text } from "node:stream/consumers";
import { compute, profile } from "../../dashboard/static/micro_net.js";
import { Matrix } from "../../dashboard/static/tape.js";

/** @import { Net } from "../../dashboard/static/micro_net.js" */
/** @typedef {Omit<Net, "weights"> & { weights: Record<string, number[][]> }} Given */

/** @type {Given[]} */
const nets = JSON.parse(await text(process.stdin));
const answers = nets.map(({ weights, ...rest }) => {
  const matrices = Object.entries(weights).map(([name, rows]) => /** @type {const} */ ([name, matrix(name, rows)]));
  const net = { ...rest, weights: Object.fromEntries(matrices) };
  const tape = compute(net);
  const steps = net.inputs.length;
  const grads = (/** @type {string} */ name) =>
    Array.from({ length: steps }, (_, place) => [...(tape.find(name, place + 1)?.grad ?? [])]);
  const slopes = matrices.map(([name, { grad }]) => [name, [...grad]]);
  return {
    loss: tape.total(),
    hidden: grads("h"),
    cell: grads("c"),
    profile: profile(tape, steps),
    weights: Object.fromEntries(slopes),
  };
});
process.stdout.write(JSON.stringify(answers));

/**
 * @param {string} name
 * @param {number[][]} rows
 */
function matrix(name, rows) {
  return new Matrix(name, rows.length, rows[0].length, rows.flat());
}
