// The page of a class on a student's device: join, predict, follow the teacher's board, train what was handed out.

import { mount } from "./board.js";
import { call } from "./calls.js";
import { Door } from "./class_door.js";
import { HandoutCard } from "./class_handout.js";
import { keep, kept } from "./class_keeping.js";
import { lessonOf, PollView, standingFor } from "./class_poll.js";
import { ClassWatch } from "./class_watch.js";
import { button, element, setText } from "./dom.js";
import { SHOWN, shownNow } from "./shown.js";

/** @import { ClassData, ClassState, Config, Follow, Kept, Lesson, Setting } from "./class.d.ts" */
/** @import { BoardData } from "./types.d.ts" */

const LONGEST_NAME = 24;
const ENDED = "There is no class with this code (any more).";
const OUTSIDE = "You are not in this class (any more). Reload the page to join it.";
const NOTHING_YET = "The teacher's board appears here as soon as there is something on it.";

/** Mount the page over the data that stand in it. */
export function start() {
  const root = document.getElementById("class");
  const text = document.getElementById("data")?.textContent;
  if (root && text) new ClassPage(root, JSON.parse(text)).begin();
}

class ClassPage {
  /** @type {ClassState | null} */ state = null;
  label = ""; // what the wall calls this student; "": not in the class yet
  /** @type {Kept} */ mine = {};
  /** @type {Record<string, Lesson>} */ lessons = {};
  /** @type {Record<string, Setting>} */ settings = {};
  following = true;
  ownRun = false; // whether the run that was trained here is what is shown
  /** @type {string | null} */ address = null; // of the runs on the board
  /** @type {BoardData | null} */ board = null;
  /** @type {Follow | null} */ asked = null; // what the board was told to show last
  turn = 0; // of boards that were asked for

  /**
   * @param {HTMLElement} root
   * @param {ClassData} data
   */
  constructor(root, data) {
    this.data = data;
    this.watch = new ClassWatch(data.code, {
      changed: (state) => this.changed(state),
      ended: (status) => this.end(status),
      trouble: (text) => this.say(text),
    });
    this.message = element("p", "problem");
    this.message.setAttribute("role", "status");
    this.message.hidden = true;
    this.bar = element("div", "rgl-follow");
    this.how = element("span", "rgl-how");
    this.how.setAttribute("role", "status");
    this.explore = button("Explore on your own", "Let go of the teacher's board", () => this.letGo());
    this.again = button("Follow again", "Show what the teacher shows", () => this.followAgain());
    this.myRun = button("My run", "Show the run that you have trained", () => this.showOwn());
    this.bar.append(this.how, this.myRun, this.explore, this.again);
    this.joining = this.joinForm();
    this.door = new Door(data.code);
    this.poll = new PollView((choice) => this.predict(choice));
    this.handout = new HandoutCard((config) => this.train(config));
    this.lesson = element("details", "rgl-lesson");
    this.topic = element("summary");
    this.question = element("p");
    this.lesson.append(this.topic, this.question);
    this.note = element("p", "rgl-note", NOTHING_YET);
    this.place = element("div");
    for (const node of [this.bar, this.poll.root, this.handout.root, this.lesson, this.note]) node.hidden = true;
    root.append(this.message, this.joining, this.bar, this.poll.root, this.handout.root, this.lesson, this.note);
    root.append(this.place);
    document.addEventListener(SHOWN, () => this.moved());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  async begin() {
    const before = kept(this.data.code);
    if (before) await this.join("", before);
    else this.door.look();
  }

  joinForm() {
    const form = element("form", "rgl-join");
    const label = element("label", "", "Nickname (optional)");
    const field = element("input");
    Object.assign(field, { type: "text", maxLength: LONGEST_NAME, autocomplete: "off", spellcheck: false });
    label.append(field);
    const enter = element("button", "rgl-button rgl-primary", "Join the class");
    enter.type = "submit";
    form.append(
      label,
      enter,
      element("p", "", "No account is needed. What you predict is never shown with your name."),
    );
    form.onsubmit = (event) => {
      event.preventDefault();
      this.join(field.value);
    };
    return form;
  }

  /**
   * @param {string} name '' where there is none, or none is to be changed
   * @param {Kept} mine
   */
  async join(name, mine = {}) {
    const said = name.trim();
    const { status, answer, problem } = await call("POST", this.path("join"), said ? { name: said } : {});
    if (status === 404) return this.end(status);
    if (problem !== null) return this.say(problem);
    this.say("");
    this.door.close();
    this.label = answer.label;
    this.remember(mine);
    this.lessons = (await call("GET", this.data.lessons)).answer ?? {};
    this.settings = (await call("GET", this.data.settings)).answer ?? {};
    this.joining.hidden = true;
    this.watch.ask();
  }

  /** @param {Kept} what is to be known after a reload, beside what is known already */
  remember(what) {
    this.mine = { ...this.mine, ...what };
    keep(this.data.code, this.mine);
  }

  /** @param {string} rest of the address below the class's own */
  path(rest) {
    return `api/classes/${this.data.code}/${rest}`;
  }

  /** @param {ClassState} state */
  changed(state) {
    const renamed = this.state !== null && this.state.names !== state.names;
    this.state = state;
    this.draw();
    if (renamed) this.rename();
  }

  // The teacher has chosen that students are called otherwise.
  async rename() {
    const { answer } = await call("POST", this.path("join"), {});
    if (!answer) return;
    this.label = answer.label;
    this.draw();
  }

  // The address of the run that was trained here for the present hand-out, null where there is none.
  run() {
    const { mine, state } = this;
    return state?.handout && mine.handout === state.handout.number ? (mine.run ?? null) : null;
  }

  draw() {
    const { state, following, mine } = this;
    if (!state) return;
    const { poll, shown } = state;
    this.bar.hidden = false;
    setText(this.how, `${this.label} · ${following ? "following the teacher" : "on your own"}`);
    this.explore.hidden = !following;
    this.again.hidden = following;
    this.myRun.hidden = !this.run() || this.ownRun;
    this.poll.root.hidden = !poll;
    const choice = poll && mine.poll === poll.number ? (mine.choice ?? null) : null;
    if (poll) this.poll.show(poll, lessonOf(poll, this.lessons), standingFor(poll, choice), choice);
    this.handout.show(state.handout, this.settings, this.data.code);
    const lesson = following && shown?.lesson ? this.lessons[shown.lesson] : undefined;
    this.lesson.hidden = !lesson || lesson.text === poll?.question;
    if (!this.lesson.hidden && lesson && lesson.text !== this.lesson.dataset.text) {
      this.lesson.dataset.text = lesson.text;
      this.topic.innerHTML = `Lesson: ${lesson.title}`; // HTML of our own
      this.question.innerHTML = lesson.question;
    }
    this.showBoard();
  }

  // Bring the board to what is followed, or to the student's own run.
  async showBoard() {
    const { shown } = /** @type {ClassState} */ (this.state);
    const address = this.following ? (shown?.runs ?? null) : this.ownRun ? this.run() : this.address;
    this.note.hidden = address !== null || !this.poll.root.hidden;
    this.place.hidden = address === null;
    if (address === null) return;
    const follow = this.following && shown ? { step: shown.step, figure: shown.figure } : null;
    if (address === this.address) {
      this.mountBoard(follow);
      return;
    }
    const turn = ++this.turn;
    const { answer, problem } = await call("GET", `api/board?run=${encodeURIComponent(address)}`);
    if (turn !== this.turn) return; // meanwhile another one is wanted
    if (problem !== null) return this.say(problem);
    this.say("");
    Object.assign(this, { address, board: answer, asked: null });
    this.mountBoard(follow);
  }

  /** @param {Follow | null} follow */
  mountBoard(follow) {
    if (!this.board) return;
    this.asked = follow;
    const along = this.watch.along.bind(this.watch);
    mount(this.place, { ...this.board, follow }, { train() {}, tried() {}, along });
  }

  // The board shows another step or figure: if that was not the teacher, the student is exploring.
  moved() {
    const now = shownNow();
    if (!this.following || !this.asked || !now || now.step === this.asked.step) return;
    this.letGo();
  }

  letGo() {
    this.go(false);
  }

  followAgain() {
    this.go(true);
  }

  showOwn() {
    this.go(false, true);
  }

  /**
   * @param {boolean} following
   * @param {boolean} ownRun
   */
  go(following, ownRun = false) {
    Object.assign(this, { following, ownRun });
    this.watch.follow(following);
    this.draw();
  }

  /** @param {number} choice */
  async predict(choice) {
    const { problem } = await call("POST", this.path("poll/answer"), { choice });
    if (problem !== null) return this.say(problem);
    this.say("");
    this.remember({ poll: this.state?.poll?.number, choice });
    this.draw();
  }

  /**
   * Train what was handed out; why it has not started, "" where it has.
   * @param {Config} config
   */
  async train(config) {
    const { answer, problem } = await call("POST", "api/runs", { config });
    if (problem !== null) return problem;
    const [{ id: run }] = answer.runs;
    this.remember({ handout: this.state?.handout?.number, run });
    this.showOwn();
    const wall = await call("POST", this.path("runs"), { run });
    if (wall.problem !== null) return wall.problem;
    this.place.scrollIntoView({ block: "start", behavior: "smooth" });
    return "";
  }

  /** @param {number} status 404: there is no such class (any more); 403: this browser is not in it */
  end(status) {
    this.watch.stop();
    this.door.close();
    keep(this.data.code, null);
    for (const node of [this.joining, this.bar, this.poll.root, this.handout.root]) node.hidden = true;
    this.say(status === 403 ? OUTSIDE : ENDED);
    const other = element("a", "", "Type another code");
    other.href = "class";
    if (status === 404) this.message.append(" ", other);
  }

  /** @param {string} text */
  say(text) {
    setText(this.message, text);
    this.message.hidden = !text;
  }
}
