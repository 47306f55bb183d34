// Projector mode: the board alone on the screen, four figures at once or one of them large, for a room to read.

import { button, element, setText } from "./dom.js";

/** @import { Plots } from "./plots.js" */

const MOST = 4; // figures at once; board.css says the same
const NEXT = new Set(["ArrowRight", "ArrowDown", "PageDown"]); // a presenter's clicker sends PageDown and PageUp
const BACK = new Set(["ArrowLeft", "ArrowUp", "PageUp"]);
const SETTLED_MS = 150; // after which a window's new size is taken as final

export class Projector {
  on = false;
  large = 0; // which figure is, from 1; 0: none, all four are shown
  timer = 0;

  /**
   * @param {HTMLElement} root of the board
   * @param {Plots} plots
   * @param {() => void} rebuild draws the figures anew, in the type of the mode
   * @param {() => void} redraw draws them in their new sizes
   * @param {() => void} told is called when another figure is large, here or alone on the screen
   */
  constructor(root, plots, rebuild, redraw, told) {
    this.root = root;
    this.plots = plots;
    this.rebuild = rebuild;
    this.redraw = redraw;
    this.told = told;
    this.button = button("Projector", "Fill the screen with four figures that a room can read", () => this.toggle());
    this.button.classList.add("rgl-projection");
    this.button.setAttribute("aria-pressed", "false");
    this.place = element("span", "rgl-place");
    this.place.setAttribute("role", "status");
    this.slides = element("span", "rgl-slides");
    this.slides.append(
      button("‹", "The figure before (PageUp)", () => this.step(-1)),
      this.place,
      button("›", "The next figure (PageDown)", () => this.step(1)),
    );
    this.onFullscreen = () => {
      if (this.on && !document.fullscreenElement) this.leave();
      this.told();
    };
    this.onResize = () => {
      clearTimeout(this.timer);
      if (this.on) this.timer = window.setTimeout(() => this.rebuild(), SETTLED_MS);
    };
    document.addEventListener("fullscreenchange", this.onFullscreen);
    window.addEventListener("resize", this.onResize);
  }

  toggle() {
    if (this.on) this.leave();
    else this.enter();
  }

  enter() {
    this.on = true;
    this.root.tabIndex = -1;
    this.root.focus({ preventScroll: true }); // so that the keys are not the button's
    document.documentElement.requestFullscreen?.().catch(() => {}); // where it may not, the window has to do
    this.show();
    this.rebuild();
  }

  leave() {
    this.on = false;
    this.large = 0;
    if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
    this.show();
    this.rebuild();
  }

  /**
   * Show the next figure large, the one before, or all of them again.
   * @param {1 | -1} by
   */
  step(by) {
    const states = this.shown() + 1;
    this.large = (this.large + by + states) % states;
    this.show();
    this.redraw();
    this.plots.fit();
  }

  // How many figures there are to be shown.
  shown() {
    return Math.min(MOST, Object.values(this.plots.cards).filter((card) => !card.root.hidden).length);
  }

  show() {
    document.documentElement.classList.toggle("rgl-projecting", this.on);
    this.root.classList.toggle("rgl-projector", this.on);
    this.root.dataset.large = String(this.large);
    this.button.setAttribute("aria-pressed", String(this.on));
    setText(this.button, this.on ? "Leave" : "Projector");
    setText(this.place, this.large ? `${this.large} of ${this.shown()}` : "all");
    this.told();
  }

  /**
   * Do what a key asks for while the mode is on; whether it was one of its keys.
   * @param {KeyboardEvent} event
   */
  press(event) {
    if (!this.on || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return false;
    const { target, key } = event;
    const adjusts = target instanceof Element && target.closest("input, select") !== null;
    if (adjusts && key.startsWith("Arrow")) return false; // moves the slider
    if (NEXT.has(key)) this.step(1);
    else if (BACK.has(key)) this.step(-1);
    else if (key === "Escape") this.leave();
    else return false;
    event.preventDefault();
    return true;
  }

  destroy() {
    clearTimeout(this.timer);
    document.removeEventListener("fullscreenchange", this.onFullscreen);
    window.removeEventListener("resize", this.onResize);
    if (this.on) document.documentElement.classList.remove("rgl-projecting");
  }
}
