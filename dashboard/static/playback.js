// Playing a run back: its step goes from where the reader stands to the end, and lingers where something rare happens.

import { button, element, setText } from "./dom.js";
import { rareSteps } from "./rare_steps.js";

/** @import { TimeTravel } from "./time_travel.js" */

const WHOLE_S = 8; // a whole run plays back in this time, unless the reader chooses a speed
const SPEEDS = [0.25, 0.5, 1, 2, 4, 8, 16]; // steps a frame
const FRAME_MS = 1000 / 60;
const LINGER_MS = 1200;

export class Playback {
  playing = 0; // the frame that is asked for

  /** @param {TimeTravel} travel */
  constructor(travel) {
    this.travel = travel;
    this.button = button("Play", "Play the run back", () => (this.playing ? this.stop() : this.start()));
    this.button.classList.add("rgl-play");
    const choices = SPEEDS.map(
      (speed) => new Option(`${speed} ${speed === 1 ? "step" : "steps"} a frame`, String(speed)),
    );
    this.select = element("select");
    this.select.append(new Option(`all in ${WHOLE_S} s`, ""), ...choices);
    this.select.setAttribute("aria-label", "speed of Play");
    this.field = element("label", "rgl-field");
    this.field.append(this.select);
  }

  /** Steps a millisecond. */
  get speed() {
    return Number(this.select.value) / FRAME_MS || this.travel.lastStep() / 1000 / WHOLE_S;
  }

  start() {
    const { pinned, runs, partings } = this.travel;
    const last = this.travel.lastStep();
    const rare = rareSteps(runs, partings.steps());
    let step = pinned === null || pinned >= last ? 1 : pinned;
    let before = performance.now(); // when it last moved; later than now while it lingers
    setText(this.button, "Stop playing");
    const frame = (/** @type {number} */ now) => {
      if (now >= before) {
        const next = step + (now - before) * this.speed;
        const event = rare.find((each) => step < each && each <= next);
        step = event ?? next;
        before = event === undefined ? now : now + LINGER_MS;
        this.travel.pin(step);
      }
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
