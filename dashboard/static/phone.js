// What a phone needs: a finger that moves over a figure scrolls the page, and the sidebar goes away by itself.

const PHONE = "(max-width: 768px)"; // narrower windows have Streamlit's sidebar over the page

/** Whether fingers point here: a figure does not take their movements. */
export const fingers = () => window.matchMedia?.("(pointer: coarse)").matches ?? false;

/**
 * Show a part of the page that would otherwise stand below what its readers have just left.
 * @param {HTMLElement} part
 */
export function bringUp(part) {
  if (window.matchMedia(PHONE).matches) part.scrollIntoView({ block: "start", behavior: "smooth" });
}

/** Close the sidebar where it lies over what it has started. */
export function closeSidebar() {
  if (!window.matchMedia(PHONE).matches) return;
  const button = document.querySelector(
    '[data-testid="stSidebar"][data-collapsed="false"] [data-testid="stSidebarCollapseButton"] button',
  );
  if (button instanceof HTMLElement) button.click();
}
