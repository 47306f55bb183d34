// What a board shows, told to whoever on the page wants to know: the bar of a class, or a page that follows one.

/** @import { Plots } from "./plots.js" */
/** @import { Follow } from "./class.d.ts" */

export const SHOWN = "rgl-shown"; // the name of the event

/**
 * The figure that is large: alone on the screen, or alone in projector mode; null where none is.
 * @param {Plots} plots
 * @param {number} large which one is in projector mode, from 1; 0: none
 */
export function largeFigure(plots, large) {
  const cards = [...plots.root.querySelectorAll(".rgl-card:not([hidden])")];
  const card = document.fullscreenElement?.classList.contains("rgl-card")
    ? document.fullscreenElement
    : large
      ? cards[large - 1]
      : null;
  const plot = card?.querySelector("[data-figure]");
  return plot instanceof HTMLElement ? (plot.dataset.figure ?? null) : null;
}

/**
 * Tell what a board shows, where that is another thing than before.
 * @param {HTMLElement} root of the board
 * @param {Follow} now
 */
export function tellShown(root, now) {
  const text = JSON.stringify(now);
  if (root.dataset.shown === text) return;
  root.dataset.shown = text;
  root.dispatchEvent(new CustomEvent(SHOWN, { bubbles: true }));
}

/**
 * What the board on the page shows now; null where there is none.
 * @returns {Follow | null}
 */
export function shownNow() {
  const board = document.querySelector(".rgl-board");
  return board instanceof HTMLElement && board.dataset.shown ? JSON.parse(board.dataset.shown) : null;
}
