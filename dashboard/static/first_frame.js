// The style by which nothing moves while a page of Streamlit's comes (server/first_frame.py).

export const STYLE_ID = "rgl-first-frame";

/**
 * Whether that style is in force. It asks what is in the page (":has"), so that each change of a figure would style the
 * whole page anew: while the figures of a board are drawn it is not.
 * @param {boolean} comes
 */
export function pageComes(comes) {
  const style = document.getElementById(STYLE_ID);
  if (style instanceof HTMLStyleElement) style.disabled = !comes;
}
