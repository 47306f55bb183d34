// Playing a run back: its step goes from where the reader stands to the end.

import { button, setText } from "./dom.js";

/** @import { TimeTravel } from "./time_travel.js" */

const PLAYBACK_S = 8; // a whole run plays back in this time

export class Playback {
  playing = 0; // the frame that is asked for

  /** @param {TimeTravel} travel */
  constructor(travel) {
    this.travel = travel;
    this.button = button("Play", "Play the run back", () => (this.playing ? this.stop() : this.start()));
  }

  start() {
    const { pinned } = this.travel;
    const last = this.travel.lastStep();
    const from = pinned === null || pinned >= last ? 1 : pinned;
    const began = performance.now();
    setText(this.button, "Stop playing");
    const frame = (/** @type {number} */ now) => {
      const step = from + ((now - began) / 1000 / PLAYBACK_S) * last;
      this.travel.pin(step);
      if (step >= last) this.stop();
      else this.playing = requestAnimationFrame(frame);
    };
    this.playing = requestAnimationFrame(frame);
  }

  stop() {
    cancelAnimationFrame(this.playing);
    this.playing = 0;
    setText(this.button, "Play");
  }
}
