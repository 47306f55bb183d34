// The page of a class before one has joined, on a wide screen: how to join, for the whole room, and how many have.

import { call } from "./calls.js";
import { joined } from "./class_code.js";
import { setText } from "./dom.js";

const LOOK_MS = 2000;

export class Door {
  timer = 0;
  /** @type {HTMLElement | null} */ root = document.querySelector(".rgl-door");

  /** @param {string} code */
  constructor(code) {
    this.code = code;
  }

  // Say how many have joined, as long as anybody can see it.
  async look() {
    const { root } = this;
    if (!root) return;
    if (root.checkVisibility() && !document.hidden) {
      const { status, answer } = await call("GET", `api/classes/${this.code}`);
      if (status === 404) return this.close(); // there is no such class
      const members = root.querySelector(".rgl-members");
      if (members && answer && status === 200) setText(members, joined(answer.students));
    }
    if (this.root) this.timer = window.setTimeout(() => this.look(), LOOK_MS);
  }

  // Somebody has joined here, or there is nothing to join.
  close() {
    clearTimeout(this.timer);
    this.root?.parentElement?.classList.remove("rgl-entrance");
    this.root?.remove();
    this.root = null;
  }
}
