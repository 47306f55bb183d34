// A sheet over the whole screen, large enough for a room: the code of a class, its poll, its wall.

import { button, element } from "./dom.js";

export class Sheet {
  /**
   * @param {string} title
   * @param {() => void} [closed] called when it has been closed
   */
  constructor(title, closed) {
    this.root = element("dialog", "rgl-sheet");
    this.root.setAttribute("aria-label", title);
    this.body = element("div", "rgl-sheet-body");
    this.actions = element("div", "rgl-actions");
    this.problem = element("p", "rgl-problem");
    this.problem.setAttribute("role", "alert");
    const head = element("header", "rgl-sheet-head");
    const close = button("Back", "Back to the board (Escape)", () => this.root.close());
    head.append(element("h1", "", title), this.actions, close);
    this.root.append(head, this.problem, this.body);
    this.root.addEventListener("close", () => closed?.());
    this.root.addEventListener("keydown", (event) => event.stopPropagation()); // Escape is not for the board below
  }

  open() {
    if (!this.root.open) this.root.showModal();
  }

  close() {
    this.root.close();
  }
}
