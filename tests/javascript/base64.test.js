// Columns arrive bit for bit as numpy wrote them.

import assert from "node:assert/strict";
import test from "node:test";
import { decode } from "../../dashboard/static/base64.js";

test("little-endian float32, as numpy writes it", () => {
  // np.array([1, -2.5, 0, 1e-38, np.inf, np.nan], "<f4").tobytes() as base64
  const values = decode("AACAPwAAIMAAAAAA7uNsAAAAgH8AAMB/");
  assert.deepEqual([...values], [1, -2.5, 0, Math.fround(1e-38), Infinity, NaN]);
});

test("a missing column is empty", () => {
  for (const nothing of ["", null, undefined]) assert.equal(decode(nothing).length, 0);
});
