// The fold "Instruments" below the figures: until it is opened, it is a line of text and nothing is fetched for it.

import { element } from "./dom.js";

/** @import { Hooks, Opened } from "./instruments.d.ts" */
/** @typedef {{ script: string, list: string }} Addresses */

const STILL_MS = 500; // what stands above must not grow for so long

export class Fold {
  /** @type {Promise<Opened | null> | null} */ opening = null;
  /** @type {Opened | null} */ opened = null;
  /** @type {ResizeObserver | null} */ watching = null;
  timer = 0;

  /**
   * @param {() => Addresses} addresses
   * @param {Hooks} hooks
   */
  constructor(addresses, hooks) {
    this.root = element("details", "rgl-instruments rgl-coming");
    const summary = element("summary", "", "Instruments");
    summary.append(
      element("span", "rgl-aside", "what research measures of such networks, worked out when you open it"),
    );
    this.cards = element("div", "rgl-instrument-cards");
    this.root.append(summary, this.cards);
    this.root.addEventListener("toggle", (event) => {
      if (event.target === this.root && this.root.open) this.opening ??= this.open(addresses(), hooks);
    });
  }

  /**
   * @param {Addresses} addresses
   * @param {Hooks} hooks
   */
  async open({ script, list }, hooks) {
    try {
      const [module, answer] = await Promise.all([
        import(new URL(script, document.baseURI).href),
        fetch(new URL(list, document.baseURI)),
      ]);
      this.opened = module.open(this.cards, await answer.json(), hooks);
    } catch {
      this.cards.textContent = "The instruments did not load. Reload the page.";
    }
    return this.opened;
  }

  /**
   * Come once what stands above is as high as before for a while, so that it does not push this away.
   * @param {HTMLElement} figures
   */
  comeBelow(figures) {
    if (this.watching) return;
    const come = () => {
      this.root.classList.remove("rgl-coming");
      this.watching?.disconnect();
    };
    this.watching = new ResizeObserver(() => {
      clearTimeout(this.timer);
      this.timer = window.setTimeout(come, STILL_MS);
    });
    this.watching.observe(figures);
  }

  /** @param {boolean} news whether runs have gone on, and nothing else has changed */
  follow(news) {
    if (this.root.open) this.opened?.follow(news);
  }

  stop() {
    clearTimeout(this.timer);
    this.watching?.disconnect();
    this.opened?.stop();
  }
}
