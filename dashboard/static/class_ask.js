// The poll on the projector: the question, how many have predicted, bars once it is closed, and how many were right.

import { favourite, lessonOf, PollView, standing } from "./class_poll.js";
import { Sheet } from "./class_sheet.js";
import { button } from "./dom.js";

/** @import { BarData, ClassState, Lesson } from "./class.d.ts" */
/** @typedef {(method: string, rest: string, body?: object) => Promise<boolean>} Send */

export class PollSheet {
  /** @type {ClassState | null} */ state = null;

  /**
   * @param {Send} send
   * @param {(choice: number) => void} train trains the lesson, whose prediction is the choice of most
   */
  constructor(send, train) {
    this.sheet = new Sheet("Predict first");
    this.view = new PollView(null);
    this.close = button("Close the poll", "Show what the class predicts", () => send("POST", "poll/close"));
    this.train = button("Train", "Train the runs of the lesson", () => {
      this.sheet.close();
      train(favourite(this.state?.poll?.counts ?? [0]));
    });
    this.tell = button("Who was right?", "Show how many were right", () => send("POST", "poll/right"));
    this.remove = button("Take it away", "Take the question off everybody's page", async () => {
      if (await send("PUT", "poll")) this.sheet.close();
    });
    for (const each of [this.close, this.train, this.tell]) each.classList.add("rgl-primary");
    this.sheet.actions.append(this.close, this.train, this.tell, this.remove);
    this.sheet.body.append(this.view.root);
  }

  /**
   * @param {ClassState} state
   * @param {Record<string, Lesson>} lessons
   * @param {BarData} data
   */
  show(state, lessons, data) {
    this.state = state;
    const { poll } = state;
    if (!poll) {
      if (this.sheet.root.open) this.sheet.close();
      return;
    }
    const ready = data.predicting && data.poll?.question === poll.question; // the lesson waits for this prediction
    this.view.show(poll, lessonOf(poll, lessons), standing(poll, state.students));
    this.close.hidden = !poll.open;
    this.train.hidden = poll.open || !ready;
    this.tell.hidden = poll.open || poll.right !== null || ready;
    this.remove.hidden = poll.open;
  }
}
