import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { ClassWatch } from "../../dashboard/static/class_watch.js";

/** @type {{ url: string, answer: (status: number, body: object) => void, signal: AbortSignal }[]} */
let asked = [];
const globals = /** @type {any} */ (globalThis);
const before = { fetch: globals.fetch, document: globals.document, window: globals.window };
const settled = () => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => {
  asked = [];
  globals.document = { baseURI: "http://lab/" };
  globals.window = { setTimeout: (/** @type {() => void} */ again) => setTimeout(again, 0) };
  globals.fetch = (/** @type {URL} */ url, /** @type {{ signal: AbortSignal }} */ { signal }) =>
    new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(new Error("aborted")));
      const answer = (/** @type {number} */ status, /** @type {object} */ body) =>
        resolve({ status, ok: status < 400, json: async () => body });
      asked.push({ url: String(url), answer, signal });
    });
});
afterEach(() => Object.assign(globals, before));

function watching() {
  /** @type {unknown[]} */
  const heard = [];
  const watch = new ClassWatch("CDFHJK", {
    changed: ({ version }) => heard.push(version),
    ended: (status) => heard.push(`ended ${status}`),
    trouble: (text) => heard.push(text),
  });
  return { watch, heard };
}

test("it holds one request at a time, each for what comes after the version that it knows", async () => {
  const { watch, heard } = watching();
  watch.ask();
  assert.equal(asked[0].url, "http://lab/api/classes/CDFHJK/changes?following=1");
  asked[0].answer(200, { version: 7 });
  await settled();
  assert.equal(asked.length, 2);
  assert.equal(asked[1].url, "http://lab/api/classes/CDFHJK/changes?version=7&following=1");
  asked[1].answer(200, { version: 7 }); // nothing has changed for a while
  await settled();
  asked[2].answer(200, { version: 8 });
  await settled();
  assert.deepEqual(heard, [7, 8]);
  watch.stop();
});

test("who lets go is not counted from then on: the request that was held is given up", async () => {
  const { watch } = watching();
  watch.ask();
  asked[0].answer(200, { version: 1 });
  await settled();
  watch.follow(false);
  assert.ok(asked[1].signal.aborted);
  assert.match(asked[2].url, /version=1&following=0$/);
  await settled();
  assert.equal(asked.length, 3); // the one that was given up asks nothing
  watch.stop();
});

test("a class that is closed ends it; a server that does not answer is asked again, and said once", async () => {
  const { watch, heard } = watching();
  watch.ask();
  asked[0].answer(503, { error: "busy" });
  await new Promise((resolve) => setTimeout(resolve, 20));
  asked[1].answer(503, { error: "busy" });
  await new Promise((resolve) => setTimeout(resolve, 20));
  asked[2].answer(200, { version: 3 });
  await settled();
  asked[3].answer(404, { error: "There is no such class (any more)." });
  await settled();
  assert.deepEqual(heard, ["The server does not answer at this moment.", "", 3, "ended 404"]);
  assert.equal(asked.length, 4);
});

test("a board's news comes with the class's own request, and its next one waits until the board has drawn", async () => {
  const { watch, heard } = watching();
  watch.ask();
  asked[0].answer(200, { version: 1 });
  await settled();
  const query = new URLSearchParams([["run", "w1:4"]]);
  const news = watch.along(query, new AbortController().signal);
  assert.ok(asked[1].signal.aborted);
  assert.match(asked[2].url, /version=1&following=1&run=w1%3A4$/);
  asked[2].answer(200, { version: 2 }); // the class has changed, the runs have not
  await settled();
  assert.match(asked[3].url, /version=2&following=1&run=w1%3A4$/);
  asked[3].answer(200, { version: 2, records: { runs: [], told: "x" } });
  assert.deepEqual(await news, { runs: [], told: "x" });
  assert.equal(asked.length, 4);
  assert.deepEqual(heard, [1, 2]);
  const more = watch.along(new URLSearchParams([["run", "w1:9"]]), new AbortController().signal);
  assert.match(asked[4].url, /run=w1%3A9$/);
  watch.stop();
  await assert.rejects(more ?? Promise.resolve(), { name: "AbortError" });
});

test("a board that shows other runs, and a class that is over, ask for no news any more", async () => {
  const { watch } = watching();
  watch.ask();
  asked[0].answer(200, { version: 1 });
  await settled();
  const leaving = new AbortController();
  const gone = watch.along(new URLSearchParams([["run", "w1:4"]]), leaving.signal);
  leaving.abort();
  await assert.rejects(gone ?? Promise.resolve(), { name: "AbortError" });
  watch.follow(false);
  assert.match(asked[3].url, /following=0$/);
  const waiting = watch.along(new URLSearchParams([["run", "w2:1"]]), new AbortController().signal);
  watch.stop();
  await assert.rejects(waiting ?? Promise.resolve(), { name: "AbortError" });
  assert.equal(watch.along(new URLSearchParams(), new AbortController().signal), null);
});
