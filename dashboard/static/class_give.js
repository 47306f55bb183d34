// Handing out: the experiment that the controls hold, and which of its settings everybody is to choose.

import { Sheet } from "./class_sheet.js";
import { button, element, setText } from "./dom.js";

/** @import { BarData, ClassState, Setting } from "./class.d.ts" */
/** @import { Send } from "./class_ask.js" */

const INVALID = "The settings in the sidebar are not valid yet: correct them first.";

export class HandoutSheet {
  /** @type {BarData["handout"]} */ handout = null;

  /** @param {Send} send */
  constructor(send) {
    this.send = send;
    this.sheet = new Sheet("Hand out");
    this.words = element("p", "rgl-words");
    this.select = element("select");
    const label = element("label", "rgl-vary", "Everybody chooses the ");
    label.append(this.select);
    this.give = button("Hand out", "Everybody gets this experiment now, and the wall begins anew", () => this.press());
    this.give.classList.add("rgl-primary");
    this.names = element("input");
    this.names.type = "checkbox";
    this.names.onchange = () => this.send("PUT", "names", { names: this.names.checked });
    const names = element("label", "rgl-names");
    names.append(this.names, element("span", "", " Nicknames on the wall; otherwise everybody is called by a number"));
    const root = element("div", "rgl-give");
    root.append(element("p", "", "Everybody gets what the sidebar says:"), this.words, label, names, this.give);
    this.sheet.body.append(root);
  }

  /**
   * @param {BarData} data
   * @param {Record<string, Setting>} settings
   */
  open({ handout }, settings) {
    this.handout = handout;
    setText(this.words, handout?.task ?? INVALID);
    this.give.disabled = !handout;
    const paths = (handout?.paths ?? []).filter((path) => settings[path]);
    const chosen = this.select.value;
    this.select.replaceChildren(...paths.map((path) => new Option(settings[path].name, path)));
    if (paths.includes(chosen)) this.select.value = chosen;
    this.sheet.open();
  }

  /** @param {ClassState} state */
  show(state) {
    if (document.activeElement !== this.names) this.names.checked = state.names;
  }

  async press() {
    if (!this.handout) return;
    const { config, task } = this.handout;
    if (await this.send("PUT", "handout", { config, task, vary: this.select.value })) this.sheet.close();
  }
}
