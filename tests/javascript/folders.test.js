// Dropped folders: files that were in one say so.

import assert from "node:assert/strict";
import test from "node:test";
import { insideOf, keepFolders } from "../../dashboard/static/folders.js";

test("the path of a file inside of a folder that was dropped", () => {
  assert.equal(insideOf("/texts/good/1.txt"), "texts/good/1.txt");
  assert.equal(insideOf("texts/1.txt"), "texts/1.txt");
  for (const alone of ["./1.txt", "/1.txt", "1.txt", "", undefined, 7]) assert.equal(insideOf(alone), "");
});

test("a file that has a path of its own keeps it, and the others get that of the drop", () => {
  class Dropped {
    /** @param {string} own @param {string} relativePath */
    constructor(own, relativePath) {
      this.own = own;
      this.relativePath = relativePath;
    }
    get webkitRelativePath() {
      return this.own;
    }
  }
  const before = globalThis.File;
  globalThis.File = /** @type {any} */ (Dropped);
  keepFolders();
  keepFolders();
  globalThis.File = before;
  assert.equal(new Dropped("chosen/1.txt", "./1.txt").webkitRelativePath, "chosen/1.txt");
  assert.equal(new Dropped("", "/good/1.txt").webkitRelativePath, "good/1.txt");
  assert.equal(new Dropped("", "./1.txt").webkitRelativePath, "");
});
