// The teacher's bar: the class at a glance, what it can be asked and given, and the code for the projector.

import { call } from "./calls.js";
import { PollSheet } from "./class_ask.js";
import { CodeSheet } from "./class_code.js";
import { HandoutSheet } from "./class_give.js";
import { ClassWall } from "./class_wall.js";
import { ClassWatch } from "./class_watch.js";
import { button, count, element, setText } from "./dom.js";
import { SHOWN, shownNow } from "./shown.js";

/** @import { Send } from "./class_ask.js" */
/** @import { BarData, ClassState, Lesson, Setting } from "./class.d.ts" */
/**
 * What the bar asks of its page: to train the open lesson after its poll, with the class's favourite choice; to show a
 * student's run; to go away, since the class is closed.
 * @typedef {{ train: (choice: number) => void, open: (run: string) => void, closed: () => void }} Page
 */

const TELL_MS = 120; // between two things that are told of what is shown

/** @type {WeakMap<Element, ClassBar>} */
const bars = new WeakMap();

/**
 * Called by Streamlit's component loader on every change of data. Returns a clean-up function.
 * @param {HTMLElement} parentElement
 * @param {BarData} data
 * @param {Page} page
 */
export function mount(parentElement, data, page) {
  const bar = bars.get(parentElement) ?? new ClassBar(parentElement, data);
  bars.set(parentElement, bar);
  bar.page = page;
  bar.update(data);
  return () => {
    bar.destroy();
    bars.delete(parentElement);
  };
}

class ClassBar {
  /** @type {ClassState | null} */ state = null;
  /** @type {Page | null} */ page = null;
  /** @type {Record<string, Lesson>} */ lessons = {};
  /** @type {Record<string, Setting>} */ settings = {};
  told = ""; // what was said to the class of what is shown
  waiting = false; // whether something else is to be told
  toldAt = -Infinity; // when that was
  timer = 0;

  /**
   * @param {HTMLElement} parentElement
   * @param {BarData} data
   */
  constructor(parentElement, data) {
    this.data = data;
    this.root = element("div", "rgl-class");
    this.name = element("strong", "", `Class ${data.code}`);
    this.people = element("span", "rgl-people");
    this.people.setAttribute("role", "status");
    this.problem = element("span", "rgl-problem");
    this.code = new CodeSheet(data);
    /** @type {Send} */
    const send = (method, rest, body) => this.send(method, rest, body);
    this.poll = new PollSheet(send, (choice) => this.page?.train(choice));
    this.give = new HandoutSheet(send);
    this.wall = new ClassWall(data.code, (run) => this.page?.open(run));
    this.ask = button("Ask the class", "The question of the lesson, for everybody to predict", () => this.askClass());
    this.root.append(
      this.name,
      this.people,
      this.problem,
      button("Code", "Show how to join, large", () => this.code.sheet.open()),
      this.ask,
      button("Hand out", "Give everybody this experiment, with one setting to vary", () =>
        this.give.open(this.data, this.settings),
      ),
      button("Wall", "Show the runs of all students", () => this.wall.open(this.settings)),
      button("Close the class", "End it for everybody; runs are kept", () => this.close()),
    );
    this.sheets = [this.code.sheet, this.poll.sheet, this.give.sheet, this.wall.sheet];
    for (const { root } of this.sheets) this.root.append(root);
    parentElement.append(this.root);
    document.documentElement.classList.add("rgl-teaching");
    this.onShown = () => this.tellSoon();
    document.addEventListener(SHOWN, this.onShown);
    this.watch = new ClassWatch(data.code, {
      changed: (state) => this.changed(state),
      ended: () => this.page?.closed(),
      trouble: (text) => setText(this.problem, text),
    });
    this.load();
    if (data.fresh) this.code.sheet.open();
  }

  // What the sheets say comes once, before the first state of the class.
  async load() {
    this.lessons = (await call("GET", this.data.lessons)).answer ?? {};
    this.settings = (await call("GET", this.data.settings)).answer ?? {};
    this.watch.ask();
  }

  /** @param {BarData} data */
  update(data) {
    this.data = data;
    this.draw();
    this.tellSoon();
  }

  /** @param {ClassState} state */
  changed(state) {
    this.state = state;
    this.draw();
  }

  draw() {
    const { state, data } = this;
    if (!state) return;
    const { students, followers, poll } = state;
    const joined = `${count(students)} ${students === 1 ? "student" : "students"}`;
    setText(this.people, `${joined} · ${count(followers)} ${followers === 1 ? "follows" : "follow"}`);
    this.code.show(students);
    this.ask.hidden = !data.poll && !poll;
    const trained = poll && !poll.open && poll.right === null && !data.predicting;
    setText(this.ask, !this.asked() ? "Ask the class" : trained ? "Who was right?" : "Poll");
    this.poll.show(state, this.lessons, data);
    this.give.show(state);
  }

  // Whether there is a poll, and where a lesson is open, with its question.
  asked() {
    const { data, state } = this;
    return Boolean(state?.poll && (!data.poll || state.poll.question === data.poll.question));
  }

  // Open the poll of this lesson, or show the one that there is.
  async askClass() {
    const { poll } = this.data;
    if (!this.asked() && poll && !(await this.send("PUT", "poll", poll))) return;
    if (this.ask.textContent === "Who was right?") await this.send("POST", "poll/right");
    this.poll.sheet.open();
  }

  /**
   * Send a command to the class; whether it obeyed.
   * @param {string} method
   * @param {string} rest
   * @param {object} [body]
   */
  async send(method, rest, body = {}) {
    const path = `api/classes/${this.data.code}${rest && `/${rest}`}`;
    const { problem } = await call(method, path, method === "DELETE" ? undefined : body);
    for (const each of [this.problem, ...this.sheets.map((sheet) => sheet.problem)]) setText(each, problem ?? "");
    return problem === null;
  }

  async close() {
    if (await this.send("DELETE", "")) this.page?.closed();
  }

  tellSoon() {
    this.waiting = true;
    const wait = Math.max(0, this.toldAt + TELL_MS - performance.now());
    if (!this.timer) this.timer = window.setTimeout(() => this.tell(), wait);
  }

  // Tell the class what is shown now, where that is another thing than before.
  async tell() {
    this.waiting = false;
    const { runs, lesson } = this.data;
    const board = runs ? shownNow() : null;
    const shown = { runs, step: board?.step ?? null, figure: board?.figure ?? null, lesson };
    const text = JSON.stringify(shown);
    if (text !== this.told) {
      this.told = text;
      this.toldAt = performance.now();
      if (!(await this.send("PUT", "shown", shown))) this.told = "";
    }
    this.timer = 0;
    if (this.told && this.waiting) this.tellSoon();
  }

  destroy() {
    clearTimeout(this.timer);
    this.watch.stop();
    this.wall.destroy();
    document.removeEventListener(SHOWN, this.onShown);
    document.documentElement.classList.remove("rgl-teaching");
    this.root.remove();
  }
}
