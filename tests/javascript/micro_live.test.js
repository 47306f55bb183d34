// What the microscope writes in a frame: what changed, and of that what can be seen.

import assert from "node:assert/strict";
import test from "node:test";
import { changes, Parts } from "../../dashboard/static/micro_live.js";

test("a value is written once", () => {
  /** @type {unknown[]} */
  const written = [];
  const write = changes((/** @type {unknown} */ value) => written.push(value));
  for (const value of ["", "a", "a", "b", "b", "a"]) write(value);
  assert.deepEqual(written, ["", "a", "b", "a"]);
});

test("what is not on the screen waits until all is to be shown", () => {
  const [seen, away] = /** @type {Element[]} */ (/** @type {unknown} */ ([{}, {}]));
  /** @type {Element[]} */
  const watched = [];
  const screen = {
    here: new Set([seen]),
    watch: (/** @type {Element} */ node) => watched.push(node),
    forget: (/** @type {Element} */ node) => watched.splice(watched.indexOf(node), 1),
  };
  /** @type {string[]} */
  const told = [];
  /** @type {Parts<number>} */
  const parts = new Parts(screen);
  parts.add(seen, (number) => told.push(`seen ${number}`));
  parts.add(away, (number) => told.push(`away ${number}`));
  parts.add(seen, (number) => told.push(`too ${number}`));
  assert.deepEqual(watched, [seen, away]);
  parts.show(1, false);
  assert.deepEqual(told.splice(0), ["seen 1", "too 1"]);
  parts.show(2, true);
  assert.deepEqual(told.splice(0), ["seen 2", "too 2", "away 2"]);
  screen.here.add(away);
  parts.show(3, false);
  assert.deepEqual(told.splice(0), ["seen 3", "too 3", "away 3"]);
  parts.clear();
  assert.deepEqual(watched, []);
  parts.show(4, true);
  assert.deepEqual(told, []);
});
