// One figure over the whole screen: a click on its corner shows it so, and another one, or Escape, brings the page back.

import { button } from "./dom.js";

/**
 * The corner of a figure, null where the browser cannot show a part of a page alone.
 * @param {HTMLElement} figure
 * @param {string} title of the figure
 */
export function corner(figure, title) {
  if (!document.fullscreenEnabled) return null;
  const node = button("⤢", "Full screen; Escape returns", () => {
    const done = document.fullscreenElement === figure ? document.exitFullscreen() : figure.requestFullscreen();
    done.catch(() => {}); // a browser may refuse: the figure stays as it is
  });
  node.classList.add("rgl-corner");
  node.setAttribute("aria-label", cornerLabel(title));
  return node;
}

/** @param {string} title of a figure */
export const cornerLabel = (title) => `${title} in full screen`;

/**
 * Return to the page on Escape, where the browser leaves that to the page; whether there was anything to return from.
 * @param {KeyboardEvent} event
 */
export function leaveFigure(event) {
  if (event.key !== "Escape" || !document.fullscreenElement?.matches(".rgl-card, .rgl-picture")) return false;
  document.exitFullscreen().catch(() => {});
  return true;
}
