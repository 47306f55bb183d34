// What the teacher has handed out: an experiment in words, one setting to vary, and a button that trains it.

import { at, control, varied } from "./class_setting.js";
import { button, element, setText } from "./dom.js";

/** @import { Config, Handout, Setting } from "./class.d.ts" */

export class HandoutCard {
  number = NaN; // of the hand-out that is shown
  /** @type {Handout | null} */ handout = null;
  name = ""; // of the setting that is varied
  /** @type {() => unknown} */ said = () => undefined;

  /** @param {(config: Config) => Promise<string>} train starts a run; why it has not started, "" where it has */
  constructor(train) {
    this.train = train;
    this.root = element("section", "rgl-handout");
    this.words = element("p", "rgl-words");
    this.label = element("label", "rgl-vary");
    this.range = element("p", "rgl-range");
    this.problem = element("p", "rgl-problem");
    this.problem.setAttribute("role", "alert");
    this.start = button("Train", "Train with this value; your run appears on the wall", () => this.press());
    this.start.classList.add("rgl-primary");
    this.lab = element("a", "", "All settings, in the lab");
    const line = element("div", "rgl-line");
    line.append(this.label, this.start, this.lab);
    this.root.append(element("h2", "", "Try it yourself"), this.words, line, this.range, this.problem);
    this.root.onkeydown = (event) => {
      if (event.key === "Enter" && event.target instanceof HTMLInputElement) this.press();
    };
  }

  /**
   * @param {Handout | null} handout
   * @param {Record<string, Setting>} settings
   * @param {string} code of the class
   */
  show(handout, settings, code) {
    this.root.hidden = !handout;
    if (!handout || handout.number === this.number) return;
    Object.assign(this, { number: handout.number, handout });
    const setting = handout.vary ? settings[handout.vary] : undefined;
    setText(this.words, handout.task);
    setText(this.problem, "");
    this.lab.href = `class/${code}/lab`;
    this.label.hidden = !setting;
    setText(this.range, setting?.allowed ? `Allowed: ${setting.allowed}.` : "");
    if (!setting) return;
    this.name = setting.name;
    const { node, said } = control(setting, at(handout.config, setting.path));
    this.said = said;
    this.label.replaceChildren(element("span", "", `Choose the ${setting.name} `), node);
  }

  async press() {
    const { handout } = this;
    if (!handout) return;
    const value = this.label.hidden ? null : this.said();
    if (value === undefined) {
      setText(this.problem, "This is not a value that can be trained.");
      return;
    }
    const config = this.label.hidden || !handout.vary ? handout.config : varied(handout.config, handout.vary, value);
    this.start.disabled = true;
    const problem = await this.train(config);
    setText(this.problem, handout.vary ? problem.replace(`${handout.vary}:`, `${capital(this.name)}:`) : problem);
    this.start.disabled = false;
  }
}

/** @param {string} text */
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
