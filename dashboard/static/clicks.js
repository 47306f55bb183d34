// Single clicks apart from double ones: a double click unzooms a figure, and must not choose a step as well.

const DOUBLE_MS = 300; // plotly's own measure of a double click

export class SingleClicks {
  /** @type {ReturnType<typeof setTimeout> | undefined} */ timer;
  last = -Infinity; // when the newest click was

  /** @param {(step: number) => void} chosen */
  constructor(chosen) {
    this.chosen = chosen;
  }

  /** @param {number} step */
  click(step, now = performance.now()) {
    const double = now - this.last < DOUBLE_MS;
    this.last = now;
    this.stop();
    if (!double) this.timer = setTimeout(() => this.chosen(step), DOUBLE_MS);
  }

  stop() {
    clearTimeout(this.timer);
  }
}
