// The rule of thinning, by the cases that Python is tested with too, and 200 histories with one spike each.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { Series } from "../../dashboard/static/series.js";
import { sizeOf, thinned } from "../../dashboard/static/thinning.js";
import { answer, packed } from "./packed.js";

/**
 * A number of a case; what JSON has no number for is a word.
 * @typedef {number | "NaN" | "Infinity"} Told
 */
/**
 * @type {{ sizes: { name: string, profile: Told[][], size: Told[] }[],
 *   histories: { rows: Told[][], count: number, kept: number[] }[] }}
 */
const cases = JSON.parse(readFileSync(new URL("../support/thinning_cases.json", import.meta.url), "utf8"));

for (const { name, profile, size } of cases.sizes) {
  test(`the size of a profile: ${name}`, () => {
    const found = sizeOf(new Float32Array(profile.flat().map(Number)), profile[0].length);
    const expected = size.map(Number);
    for (const [place, value] of [found.norm, found.low, found.high].entries()) {
      assert.ok(
        value === expected[place] || Math.abs(value / expected[place] - 1) < 1e-15,
        `${value} ${expected[place]}`,
      );
    }
  });
}

test("the histories that Python is tested with", () => {
  assert.ok(cases.histories.length > 40);
  for (const { rows, count, kept } of cases.histories) {
    const told = rows.map((row) => row.map(Number)).map(([step, norm, low, high]) => ({ step, norm, low, high }));
    assert.deepEqual(
      thinned(told, count).map((row) => row.step),
      kept,
    );
  }
});

/**
 * Random numbers from 0 to 1, the same each time (mulberry32).
 * @param {number} seed
 */
function dice(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

test("one spike, in norm or in reach alone, survives what the browser keeps and what a map shows", () => {
  for (let seed = 0; seed < 200; seed++) {
    const random = dice(seed);
    const T = 3 + Math.floor(10 * random());
    const length = 100 + Math.floor(1400 * random());
    const spike = Math.floor(length * random());
    const every = 1 + Math.floor(4 * random());
    const one = new Series();
    for (let begin = 0; begin < length; begin += 8) {
      const places = Array.from({ length: Math.min(8, length - begin) }, (_, index) => begin + index);
      const norms = places.map((place) => {
        const profile = Array.from({ length: T }, () => 1 + random());
        if (place !== spike) return profile;
        if (seed % 4 === 0) return profile.map((value) => value * 50); // larger as a whole
        if (seed % 4 === 1) return profile.map((value) => value / 50);
        return profile.map((value, t) => (t === (seed % 4 === 2 ? T - 1 : 0) ? value / 50 : value)); // of another shape
      });
      const steps = places.map((place) => 1 + place * every);
      const profiles = { count: steps.length, layers: 1, timesteps: T, step: packed(steps) };
      one.append(answer(steps, { profiles: { ...profiles, hidden_grad_norm: packed(norms.flat()) } }));
    }
    const planted = 1 + spike * every;
    assert.ok(one.profiles.length <= 400);
    assert.ok(
      one.profiles.some((profile) => profile.step === planted),
      `kept, seed ${seed}`,
    );
    assert.equal(one.profileAt(planted)?.step, planted);
    for (const count of [60, 61, 203]) {
      const map = one.mapColumns("hidden_grad_norm", count);
      assert.ok(map.profiles.length <= count);
      assert.ok(
        map.profiles.some((profile) => profile.step === planted),
        `in a map of ${count}, seed ${seed}`,
      );
      for (const [place, profile] of map.profiles.entries()) assert.ok(profile, `column ${place}`);
    }
  }
});

test("the first twenty steps are kept whole", () => {
  const one = new Series();
  for (let step = 1; step <= 3000; step++) {
    const profiles = { count: 1, layers: 1, timesteps: 2, step: packed([step]), hidden_grad_norm: packed([1, 1]) };
    one.append(answer([step], { profiles }));
  }
  assert.deepEqual(
    one.profiles.slice(0, 20).map((profile) => profile.step),
    Array.from({ length: 20 }, (_, index) => index + 1),
  );
});
