// A number that can be typed, stepped with the arrow keys, or dragged to the left and right.

import { element } from "./dom.js";

const STEP = 0.05;
const DRAG = 0.01; // a pixel
const STILL_PX = 3; // a press that moves less is a click

export class NumberField {
  /**
   * @param {string} label
   * @param {(value: number) => void} changed
   * @param {() => void} [chosen] called when the reader turns to it
   */
  constructor(label, changed, chosen) {
    this.input = element("input", "rgl-micro-number");
    Object.assign(this.input, { type: "number", step: String(STEP), title: `${label}: type, or drag sideways` });
    this.input.setAttribute("aria-label", label);
    this.input.oninput = () => {
      if (Number.isFinite(this.input.valueAsNumber)) changed(this.input.valueAsNumber);
    };
    this.input.onfocus = () => chosen?.();
    this.input.onpointerdown = ({ clientX, pointerId }) => this.drag(clientX, pointerId, changed);
  }

  /**
   * @param {number} start
   * @param {number} pointer
   * @param {(value: number) => void} changed
   */
  drag(start, pointer, changed) {
    const from = this.input.valueAsNumber || 0;
    let moved = false;
    this.input.setPointerCapture(pointer);
    this.input.onpointermove = ({ clientX }) => {
      moved ||= Math.abs(clientX - start) > STILL_PX;
      if (!moved) return;
      const value = Math.round((from + (clientX - start) * DRAG) * 100) / 100;
      this.input.value = String(value);
      changed(value);
    };
    this.input.onpointerup = this.input.onpointercancel = () => {
      this.input.onpointermove = null;
    };
  }

  /** @param {number} value */
  show(value) {
    const text = String(Number(value.toPrecision(4)));
    if (document.activeElement !== this.input || this.input.valueAsNumber !== Number(text)) this.input.value = text;
  }
}
