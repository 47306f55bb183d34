// What is to be seen of a finding without reading it.

import assert from "node:assert/strict";
import test from "node:test";
import { leadOf, saidOf, signOf } from "../../dashboard/static/findings.js";

/**
 * @param {string} kind
 * @param {"cause" | "description"} group
 */
const finding = (kind, group) => ({ kind, group, title: "", sentence: "", measured: "", remedy: null });

test("a run that learns has a tick, one with a fault a cross, and a mere description neither", () => {
  assert.equal(signOf(finding("learning", "description")), "learns");
  assert.equal(signOf(finding("thrown_out", "cause")), "fault");
  assert.equal(signOf(finding("vanishing", "description")), "");
  assert.equal(signOf(undefined), "");
});

test("a sentence about the nearest profile says that it is, and of which step", () => {
  const known = { verdicts: [], findings: [finding("learning", "description")], clipped: null };
  const insights = { step: 308, last_step: 1000, recording_overhead: null, ...known };
  assert.equal(leadOf(saidOf(insights, 308, 309)), "At step 308, the nearest recorded profile: ");
  assert.equal(leadOf(saidOf(insights, 308, 308)), "At step 308: ");
  assert.equal(leadOf(saidOf(insights, null)), "");
  assert.equal(leadOf(null), "");
});
