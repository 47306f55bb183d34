// Which snapshot belongs to a step, and when asking for another one is worth it.

import assert from "node:assert/strict";
import test from "node:test";
import { SnapshotCache } from "../../dashboard/static/snapshot_cache.js";

/**
 * Snapshots of the steps 10, 20 and 40, in the order in which they were fetched; the server has one of step 50 by now.
 */
function cache() {
  const made = new SnapshotCache("a-run", [
    { step: 40, next_step: null }, // the newest one when it came
    { step: 10, next_step: 20 },
    { step: 20, next_step: 30 },
  ]);
  made.newest = 50;
  return made;
}

test("the snapshot of a step is the last one before it", () => {
  assert.deepEqual(
    [5, 10, 19, 20, 39, 40, 99, null].map((step) => cache().at(step)?.step),
    [undefined, 10, 10, 20, 20, 40, 40, 40],
  );
});

test("another one is wanted where the server may have a better one", () => {
  const wanted = (/** @type {number | null} */ step) => cache().wanted(step, false);
  assert.equal(wanted(5), true); // none known so early
  assert.equal(wanted(15), false); // 10 is the best: the next one is of step 20
  assert.equal(wanted(29), false);
  assert.equal(wanted(30), true); // of step 30
  assert.equal(wanted(41), true); // there may be one by now
  assert.equal(wanted(60), true);
  assert.equal(wanted(null), true);
});

test("the newest one is not asked for again, nor when the server has none", () => {
  const one = cache();
  one.newest = 40;
  assert.equal(one.wanted(null, false), false);
  one.newest = null;
  assert.equal(one.wanted(7, false), false);
});

test("while training a new one is asked for at most about once a second", () => {
  const one = cache();
  one.fetchedAt = performance.now();
  assert.equal(one.wanted(null, true), false);
  one.fetchedAt -= 1000;
  assert.equal(one.wanted(null, true), true);
});
