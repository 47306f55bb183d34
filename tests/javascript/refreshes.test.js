// What a refresh draws while runs train: each figure at its pace, those of a new snapshot one by one.

import assert from "node:assert/strict";
import test from "node:test";
import { Refreshes } from "../../dashboard/static/refreshes.js";

/** @typedef {[every: number, offset: number]} Pace */
/** @type {Record<string, { pace: Pace, shows: object | null }>} */
const FIGURES = {
  line: { pace: [1, 0], shows: null },
  profile: { pace: [2, 0], shows: null },
  one: { pace: [4, 1], shows: { part: "one" } },
  other: { pace: [4, 1], shows: { part: "other" } },
};

function refreshes() {
  const cards = Object.fromEntries(Object.entries(FIGURES).map(([name, about]) => [name, { about }]));
  const travel = { plots: { cards, names: () => Object.keys(cards) } };
  return new Refreshes(/** @type {never} */ (travel), () => true);
}

test("the first refresh draws all figures, then each has its turn", () => {
  const some = refreshes();
  assert.equal(some.turn(), undefined);
  assert.deepEqual(
    [2, 3, 4, 5].map(() => some.turn()),
    [["line", "profile"], ["line"], ["line", "profile"], ["line"]],
  );
});

test("figures of a new snapshot wait for their turn, one at a time", () => {
  const some = refreshes();
  some.due = ["one", "other"];
  const drawn = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13].map(() => some.turn() ?? []);
  const places = drawn.flatMap((names, place) =>
    names.filter((name) => name in { one: 1, other: 1 }).map((name) => [place + 1, name]),
  );
  assert.deepEqual(places, [
    [5, "one"],
    [9, "other"],
  ]);
  assert.deepEqual(some.due, []);
});

test("the refresh that says that the runs are over draws all that was left out", async () => {
  /** @type {(string[] | undefined)[]} */
  const drawn = [];
  const some = refreshes();
  Object.assign(some.travel, {
    drawn: true,
    hooks: { empty: () => "" },
    draw: async (/** @type {string[] | undefined} */ names) => drawn.push(names),
  });
  const run = { state: { status: "running" } };
  some.open(/** @type {never} */ ([run]));
  for (let refresh = 0; refresh < 3; refresh++) await some.draw(true);
  assert.deepEqual(drawn, [undefined, ["line", "profile"], ["line"]]);
  run.state.status = "stopped"; // all of it is still to be fetched
  await some.draw(true);
  assert.equal(drawn.at(-1), undefined);
});
