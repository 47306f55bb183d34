// What is said of a pinned step, and the figure of that step: both are about the profile that the server chose.

import assert from "node:assert/strict";
import test from "node:test";
import { Verdicts } from "../../dashboard/static/verdicts.js";
import { run } from "./figure.js";
import { profiles } from "./packed.js";

/** @import { LiveRun } from "../../dashboard/static/types.d.ts" */

/** A run of 100 steps whose copy in the browser has the profiles of the steps 10, 42 and 50. */
function liveRun() {
  const one = run([1, 100], { profiles: profiles([10, 42, 50], (step) => [step, step]) });
  const settings = { learning_rate: 0.1, threshold: null, settings: "" };
  /** @type {LiveRun} */
  const live = { ...one, ...settings, id: "one", watch: "w-one", target: "one" };
  live.profiles.runId = "one";
  return live;
}

/**
 * A server whose store holds some of the profiles; it is at step `last`.
 * @param {number[]} stored
 */
function serve(stored, last = 100) {
  const nearest = (/** @type {number} */ step) =>
    stored.reduce((best, each) => (Math.abs(each - step) < Math.abs(best - step) ? each : best));
  Object.assign(globalThis, {
    document: { baseURI: "http://localhost/" },
    fetch: async (/** @type {URL} */ url) => {
      const step = nearest(Number(url.searchParams.get("step")));
      const said = { step, last_step: last, verdicts: [], findings: [{ kind: "fading", sentence: `about ${step}` }] };
      const profile = { step, profiles: profiles([step], () => [step, step]) };
      return { ok: true, json: async () => (url.pathname.endsWith("/insights") ? said : profile) };
    },
  });
}

/**
 * @param {LiveRun[]} runs
 * @param {number} step
 */
async function ask(runs, step, cursor = step) {
  let shown = 0;
  const verdicts = new Verdicts(
    () => runs,
    () => cursor,
    () => shown++,
  );
  await verdicts.fetch(step);
  return shown;
}

test("figure and sentence speak of the same step, whatever the browser's copy has", async () => {
  for (const stored of [
    [10, 42, 50],
    [10, 41, 50],
    [10, 50],
  ]) {
    serve(stored);
    for (const step of [41, 42, 43, 30, 31, 99]) {
      const one = liveRun();
      assert.equal(await ask([one], step), 1);
      const shown = one.profiles.at(step, one.series)?.step;
      assert.ok(stored.includes(shown ?? 0));
      assert.equal(one.said?.step, shown);
      assert.equal(one.said?.findings[0].sentence, `about ${shown}`);
    }
  }
});

test("nothing is told of a step that a run under way has not reached", async () => {
  serve([10, 42], 50);
  const one = liveRun();
  await ask([one], 60);
  assert.equal(one.said, undefined);
});

test("nothing is told of a step that the reader has left", async () => {
  serve([10, 42]);
  const one = liveRun();
  assert.equal(await ask([one], 42, 43), 0);
  assert.equal(one.said, undefined);
});
