// What the board says of a command that was refused.

import assert from "node:assert/strict";
import test from "node:test";
import { forReaders, targetsOf } from "../../dashboard/static/steering.js";

test("a reader is told what to do, not how the server is set up", () => {
  const refusal = "You have 8 unfinished runs, and 8 are allowed; wait for one to end or stop one.";
  assert.equal(forReaders(`${refusal} (RNNLAB_MAX_ACTIVE_PER_WORKSPACE)`), refusal);
  assert.equal(forReaders("This run has ended (at step 3)."), "This run has ended (at step 3).");
});

/** @typedef {import("../../dashboard/static/types.d.ts").State} State */

test("a command goes to groups and runs that are not over, or to all once all are", () => {
  const run = (/** @type {string} */ target, /** @type {State["status"]} */ status) => ({
    target,
    state: /** @type {State} */ ({ status, reason: null, last_step: 1, steps: 2 }),
  });
  assert.deepEqual(targetsOf([run("group", "running"), run("group", "paused"), run("other", "finished")]), ["group"]);
  assert.deepEqual(targetsOf([run("group", "finished"), run("other", "stopped")]), ["group", "other"]);
  assert.deepEqual(targetsOf([{ target: "new", state: null }, run("other", "finished")]), ["new"]);
  const watched = { ...run("", "running"), target: null };
  assert.deepEqual(targetsOf([watched, run("mine", "stopped")]), ["mine"], "those of others obey nobody here");
});
