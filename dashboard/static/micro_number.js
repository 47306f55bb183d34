// A number that can be typed, stepped with the arrow keys, or dragged to the left and right.

import { element } from "./dom.js";

const STEP = 0.05;
const DRAG = 0.01; // a pixel
const STILL_PX = 3; // a press that moves less is a click

export class NumberField {
  shown = ""; // what stands in the field
  touch = false; // whether it was pressed last with a finger
  number = ""; // the last number, where none stands there

  /**
   * @param {string} label
   * @param {(value: number) => void} changed
   * @param {() => void} [chosen] called when the reader turns to it
   */
  constructor(label, changed, chosen) {
    this.input = element("input", "rgl-micro-number");
    Object.assign(this.input, { type: "number", step: String(STEP), title: `${label}: drag sideways, or type` });
    this.input.setAttribute("aria-label", label);
    this.input.oninput = () => {
      this.shown = this.input.value;
      if (!Number.isFinite(this.input.valueAsNumber)) return;
      this.number = this.shown;
      changed(this.input.valueAsNumber);
    };
    this.input.onfocus = () => chosen?.();
    this.input.onblur = () => this.write(this.number);
    // A field with the focus has its selection laid out at every new number: it gets the focus when the drag is over.
    this.input.onmousedown = (event) => {
      if (!this.touch && document.activeElement !== this.input) event.preventDefault();
    };
    this.input.onpointerdown = (event) => {
      this.touch = event.pointerType === "touch";
      if (event.button === 0) this.drag(event, changed, chosen);
    };
  }

  /**
   * @param {PointerEvent} press
   * @param {(value: number) => void} changed
   * @param {() => void} [chosen]
   */
  drag({ clientX: start, pointerId }, changed, chosen) {
    const from = this.input.valueAsNumber || 0;
    let moved = false;
    this.input.setPointerCapture(pointerId);
    this.input.onpointermove = ({ clientX }) => {
      if (!moved && Math.abs(clientX - start) <= STILL_PX) return;
      if (!moved) chosen?.();
      moved = true;
      const value = Math.round((from + (clientX - start) * DRAG) * 100) / 100;
      this.write(String(value));
      changed(value);
    };
    this.input.onpointerup = this.input.onpointercancel = () => {
      this.input.onpointermove = this.input.onpointerup = this.input.onpointercancel = null;
      if (this.touch || document.activeElement === this.input) return; // a tap brings the focus, and keys on the screen
      this.input.focus({ preventScroll: true });
      if (!moved) this.input.select();
    };
  }

  /** @param {number} value */
  show(value) {
    const text = short(value);
    if (text === this.shown) return;
    const typed = document.activeElement === this.input && short(this.input.valueAsNumber) === text; // as in "0."
    if (typed) this.number = text;
    else this.write(text);
  }

  /** @param {string} text */
  write(text) {
    this.number = text;
    if (text !== this.shown) this.input.value = text;
    this.shown = text;
  }
}

/** @param {number} value */
const short = (value) => String(Number(value.toPrecision(4)));
