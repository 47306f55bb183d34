// Menus that fold out below their name: a click elsewhere and the Escape key close them.

import { element } from "./dom.js";

/**
 * @param {string} name
 * @param {HTMLElement} panel what folds out
 * @param {string} [className]
 */
export function menu(name, panel, className = "") {
  const node = element("details", `rgl-options ${className}`.trim());
  panel.classList.add("rgl-panel");
  node.append(element("summary", "", name), panel);
  return node;
}

export class Menus {
  /** @param {HTMLElement} root whose menus these are */
  constructor(root) {
    this.root = root;
    this.onPointer = (/** @type {PointerEvent} */ event) => {
      for (const open of this.open())
        if (!(event.target instanceof Node && open.contains(event.target))) open.open = false;
    };
    document.addEventListener("pointerdown", this.onPointer, true);
  }

  open() {
    return [.../** @type {NodeListOf<HTMLDetailsElement>} */ (this.root.querySelectorAll("details.rgl-options[open]"))];
  }

  /**
   * Close what is open on Escape; whether anything was.
   * @param {KeyboardEvent} event
   */
  press(event) {
    const open = event.key === "Escape" ? this.open() : [];
    for (const each of open) {
      const inside = each.contains(document.activeElement);
      each.open = false;
      if (inside) each.querySelector("summary")?.focus();
    }
    return open.length > 0;
  }

  destroy() {
    document.removeEventListener("pointerdown", this.onPointer, true);
  }
}
