// The glossary's words in sentences: whole words, longest first, each term once.

import assert from "node:assert/strict";
import test from "node:test";
import { pieces } from "../../dashboard/static/terms.js";

const TERMS = {
  "Learning rate": { text: "The factor.", forms: ["Learning rate"] },
  Learning: { text: "It learns.", forms: ["Learning"] },
  "Half-life": { text: "Steps.", forms: ["Half-life", "halves"] },
};

/** @param {string} sentence */
const marked = (sentence) => pieces(sentence, TERMS).map(({ text, term }) => (term ? `[${text}|${term}]` : text));

test("a term is found by its name or by another form, in any case, the longest first", () => {
  assert.deepEqual(marked("Learning: the learning rate halves."), [
    "[Learning|Learning]",
    ": the ",
    "[learning rate|Learning rate]",
    " ",
    "[halves|Half-life]",
    ".",
  ]);
});

test("only whole words, and each term once", () => {
  assert.deepEqual(marked("unlearning, learnings; half-life and half-life"), [
    "unlearning, learnings; ",
    "[half-life|Half-life]",
    " and half-life",
  ]);
});

test("without a glossary a sentence is one piece", () => {
  assert.deepEqual(pieces("Learning.", {}), [{ text: "Learning.", term: null }]);
});
