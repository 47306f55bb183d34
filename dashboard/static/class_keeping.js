// What a student's browser keeps of a class, so that a reload asks nothing twice.

/** @import { Kept } from "./class.d.ts" */

const keyOf = (/** @type {string} */ code) => `rgl-class-${code}`;

/**
 * What was kept, null where this browser has not joined the class, or keeps nothing.
 * @param {string} code
 * @returns {Kept | null}
 */
export function kept(code) {
  try {
    return JSON.parse(localStorage.getItem(keyOf(code)) ?? "null");
  } catch {
    return null;
  }
}

/**
 * @param {string} code
 * @param {Kept | null} what null: forget it
 */
export function keep(code, what) {
  try {
    if (what) localStorage.setItem(keyOf(code), JSON.stringify(what));
    else localStorage.removeItem(keyOf(code));
  } catch {
    // a browser that keeps nothing asks again after a reload
  }
}
