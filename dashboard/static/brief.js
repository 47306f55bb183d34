// What is found out about the runs in one large line, for projector mode: in as many words as fit, none cut off.

import { ACTIVE, setText } from "./dom.js";

/** @import { Finding, LiveRun } from "./types.d.ts" */

const SMALLEST = 3.7; // size of the type, in hundredths of the screen's height; the last row can read that
const LARGEST = 5.2;
const TALLEST = 0.2; // share of the screen's height that may be taken by what is said

/**
 * What can be said of a run, from the most words to the fewest: two sentences, one, two titles, one.
 * @param {Finding[]} findings the most important first
 * @param {string} reason why the run ended, where that says more than they do
 */
export function wordings(findings, reason) {
  const [main, ...others] = findings;
  if (reason || !main) return new Array(4).fill(reason);
  const second = others.find(({ group }) => group === "description") ?? others[0];
  const sentences = second ? `${main.sentence} ${second.sentence}` : main.sentence;
  return [sentences, main.sentence, second ? `${main.title}, ${lower(second.title)}` : main.title, main.title];
}

/**
 * The words that all names of runs begin with, with the space after them: "learning rate "; of none is it the whole.
 * @param {string[]} labels
 */
export function sharedStart(labels) {
  const [first = [], ...others] = labels.map((label) => label.split(" "));
  let count = 0;
  while (others.length && others.every((words) => words.length > count + 1 && words[count] === first[count])) count++;
  count = Math.min(count, first.length - 1);
  return count > 0 ? `${first.slice(0, count).join(" ")} ` : "";
}

/** @param {string} title */
const lower = (title) => title.slice(0, 1).toLowerCase() + title.slice(1);

export class Brief {
  on = false;
  said = ""; // what was fitted last
  level = 0; // of the wordings
  size = LARGEST;

  /** @param {HTMLElement} lines the runs' lines, which become one */
  constructor(lines) {
    this.lines = lines;
  }

  /**
   * Switch the one line on or off, and find out anew what fits.
   * @param {boolean} on
   */
  turn(on) {
    Object.assign(this, { on, said: "", level: 0, size: LARGEST });
    this.lines.classList.remove("rgl-many", "rgl-numbered");
    this.lines.style.fontSize = "";
  }

  /**
   * @param {LiveRun[]} runs
   * @param {HTMLElement[]} places where each run's words stand
   * @param {string[]} reasons
   */
  show(runs, places, reasons) {
    if (!this.on) return;
    const texts = runs.map((run, index) => wordings((run.said ?? run.state?.insights)?.findings ?? [], reasons[index]));
    const said = JSON.stringify([texts, runs.map((run) => run.state?.status)]);
    if (said === this.said) return;
    this.said = said;
    // While training neither wording nor size goes up again: they would change with every number.
    if (!runs.some((run) => ACTIVE.has(run.state?.status))) Object.assign(this, { level: 0, size: LARGEST });
    this.lines.classList.remove("rgl-many", "rgl-numbered");
    this.lines.style.fontSize = `${SMALLEST}vh`;
    for (; this.level < 4; this.level++) {
      for (const [index, place] of places.entries()) setText(place, texts[index][this.level]);
      if (this.lines.scrollWidth <= this.lines.clientWidth) break;
    }
    const fits = this.level < 4;
    if (!fits) this.level = 3;
    this.lines.classList.toggle("rgl-many", !fits); // as many lines as it takes, then, up to a height
    this.lines.classList.toggle("rgl-numbered", !fits && this.lines.offsetHeight > TALLEST * innerHeight);
    this.size = fits ? Math.min(this.size, this.largest()) : SMALLEST;
    this.lines.style.fontSize = `${this.size}vh`;
  }

  // The largest size in which what stands there fits.
  largest() {
    const last = this.lines.lastElementChild?.getBoundingClientRect().right ?? 0;
    const { left, width } = this.lines.getBoundingClientRect();
    return Math.max(SMALLEST, Math.min(LARGEST, ((SMALLEST * width) / (last - left || 1)) * 0.98));
  }
}
