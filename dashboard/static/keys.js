// The keys of the live board, which work wherever no control has the focus.

import { element } from "./dom.js";
import { menu } from "./menus.js";

/** @import { TimeTravel } from "./time_travel.js" */

const KEYS = [
  ["Space", "pause or resume"],
  ["← →", "a step back or forth, with Shift ten times as far"],
  ["Escape", "close a menu, leave the full screen, follow the newest step"],
];
const CONTROLS =
  "input, textarea, select, button, summary, a, [contenteditable], [role=button], [role=slider], [role=combobox], [role=radiogroup]";
const STRIDES = 400; // the arrow keys go through a run in so many

// The menu that tells of them.
export function keysMenu() {
  const panel = element("dl");
  panel.append(...KEYS.flatMap(([key, words]) => [element("dt", "", key), element("dd", "", words)]));
  return menu("Keys", panel, "rgl-keys");
}

/**
 * Do what a key asks for.
 * @param {KeyboardEvent} event
 * @param {TimeTravel} travel
 * @param {() => void} toggle pauses what runs, resumes what is paused
 */
export function press(event, travel, toggle) {
  const busy = event.target instanceof Element && event.target.closest(CONTROLS);
  if (busy || event.ctrlKey || event.metaKey || event.altKey) return;
  const last = travel.lastStep();
  const stride = (event.shiftKey ? 10 : 1) * Math.max(1, Math.round(last / STRIDES));
  if (event.key === " ") toggle();
  else if (event.key === "ArrowLeft") travel.pin((travel.pinned ?? last) - stride);
  else if (event.key === "ArrowRight") travel.pin((travel.pinned ?? last) + stride);
  else if (event.key === "Escape") travel.pin(null);
  else return;
  event.preventDefault();
}
