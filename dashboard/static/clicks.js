// Single clicks apart from double ones: a double click unzooms a figure, and must not choose a step as well.

const DOUBLE_MS = 300; // plotly's own measure of a double click

export class SingleClicks {
  /** @type {ReturnType<typeof setTimeout> | undefined} */ timer;
  last = -Infinity; // when the newest click was
  /** @type {number | null} */ chose = null; // the step of the newest click, once it has been chosen

  /** @param {(step: number) => void} chosen chooses a step, and takes it back where it was chosen already */
  constructor(chosen) {
    this.chosen = chosen;
  }

  /**
   * @param {number} step
   * @param {number} at when the mouse was pressed, which a busy page hears of later
   */
  click(step, at) {
    const double = at - this.last < DOUBLE_MS;
    this.last = at;
    this.stop();
    const { chose } = this;
    this.chose = null;
    if (double && chose !== null) this.chosen(chose); // the page was so busy that it had taken the first for a single one
    if (!double) {
      this.timer = setTimeout(() => {
        this.chose = step;
        this.chosen(step);
      }, DOUBLE_MS);
    }
  }

  stop() {
    clearTimeout(this.timer);
  }
}
