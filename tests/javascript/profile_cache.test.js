// The profile that stands for a step: the server's choice, fetched where the browser's copy was thinned.

import assert from "node:assert/strict";
import test from "node:test";
import { ProfileCache } from "../../dashboard/static/profile_cache.js";
import { Series } from "../../dashboard/static/series.js";
import { answer, profiles } from "./packed.js";

/** @param {number[]} steps of the profiles that the browser has */
function copy(steps) {
  const series = new Series();
  series.append(answer([1, 100], { profiles: profiles(steps, (step) => [step, step]) }));
  return series;
}

/**
 * A server that holds profiles, and what it was asked.
 * @param {number[]} stored
 */
function server(stored) {
  /** @type {string[]} */
  const asked = [];
  Object.assign(globalThis, {
    document: { baseURI: "http://localhost/lab" },
    fetch: async (/** @type {URL} */ url) => {
      asked.push(url.href);
      const step = Number(url.searchParams.get("step"));
      const held = stored.includes(step);
      return { ok: true, json: async () => ({ step, profiles: held ? profiles([step], () => [7, 8]) : null }) };
    },
  });
  return asked;
}

test("until the server has decided it is the nearest one of the browser's copy", () => {
  const cache = new ProfileCache("run");
  assert.equal(cache.at(42, copy([10, 40, 50]))?.step, 40);
  assert.equal(cache.at(null, copy([10, 40, 50]))?.step, 50);
});

test("a profile that the copy lost is fetched, exactly that one, and once", async () => {
  const asked = server([42]);
  const cache = new ProfileCache("run");
  const series = copy([10, 40, 50]);
  await cache.settle(42, 42, series);
  await cache.settle(43, 42, series);
  assert.deepEqual(asked, ["http://localhost/api/runs/run/profile?step=42"]);
  assert.deepEqual([...(cache.at(42, series)?.hidden_grad_norm ?? [])], [7, 8]);
  assert.equal(cache.at(43, series)?.step, 42);
  assert.equal(cache.at(44, series)?.step, 40, "nobody has asked for this step");
});

test("what the copy has is not fetched, and stays when the copy is thinned", async () => {
  const asked = server([]);
  const cache = new ProfileCache("run");
  await cache.settle(41, 40, copy([10, 40, 50]));
  assert.deepEqual(asked, []);
  assert.equal(cache.at(41, copy([10, 50]))?.step, 40);
});

test("the server's choice holds although the copy has a nearer one that the store has thinned out", async () => {
  server([40]);
  const cache = new ProfileCache("run");
  await cache.settle(42, 40, copy([10, 42, 50]));
  assert.equal(cache.at(42, copy([10, 42, 50]))?.step, 40);
});

test("where none is stored, the copy's stays", async () => {
  server([]);
  const cache = new ProfileCache("run");
  await cache.settle(42, 42, copy([10]));
  assert.equal(cache.at(42, copy([10]))?.step, 10);
});
