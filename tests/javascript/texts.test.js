// The user's names in figures: no markup, nothing invisible, short, and each different.

import assert from "node:assert/strict";
import { test } from "node:test";

import { texts } from "../../dashboard/static/dom.js";

test("markup is shown as it is written", () => {
  assert.deepEqual(texts(["<b>a</b>", "a & b", "&lt;", "\"x\" 'y'"]), [
    "&lt;b&gt;a&lt;/b&gt;",
    "a &amp; b",
    "&amp;lt;",
    "\"x\" 'y'",
  ]);
});

test("what is not seen but changes what is seen is left out", () => {
  assert.deepEqual(texts(["\u202egnp.exe\u2066", "a\u200bb\ufeff", "\0\u0007c\nd\u009f", "\ud800d"]), [
    "gnp.exe",
    "ab",
    "c d",
    "d",
  ]);
  assert.deepEqual(texts(["\u{1f469}\u200d\u{1f467}", "شكرا"]), ["\u{1f469}\u200d\u{1f467}", "شكرا"]);
});

test("long names are cut in their middle, by characters", () => {
  assert.deepEqual(texts(["abcdefghij", "abcdefghijk"], 10), ["abcdefghij", "abcde…hijk"]);
  assert.deepEqual(texts(["abcdefgh"], 7), ["abc…fgh"]);
  assert.deepEqual(texts(["\u{1f600}".repeat(9)], 5), ["\u{1f600}\u{1f600}…\u{1f600}\u{1f600}"]);
});

test("names that look alike are told apart, whoever has them", () => {
  assert.deepEqual(texts(["abcdefgh", "abcXfgh", "abcYfgh", "abc"], 6), ["abc…gh", "abc…gh (2)", "abc…gh (3)", "abc"]);
  assert.deepEqual(texts(["a", "a\u200b", ""]), ["a", "a (2)", ""]);
});
