// What the board says of a command that was refused.

import assert from "node:assert/strict";
import test from "node:test";
import { forReaders } from "../../dashboard/static/steering.js";

test("a reader is told what to do, not how the server is set up", () => {
  const refusal = "You have 8 unfinished runs, and 8 are allowed; wait for one to end or stop one.";
  assert.equal(forReaders(`${refusal} (RNNLAB_MAX_ACTIVE_PER_WORKSPACE)`), refusal);
  assert.equal(forReaders("This run has ended (at step 3)."), "This run has ended (at step 3).");
});
