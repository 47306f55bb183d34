// A question to a class: choices to press, bars once the teacher has closed it, and how many were right.

import { button, count, element, setText } from "./dom.js";

/** @import { Lesson, Poll } from "./class.d.ts" */

/**
 * Shares in whole per cent that add up to 100; all 0 where there is no answer.
 * @param {number[]} counts
 */
export function percents(counts) {
  const total = counts.reduce((sum, each) => sum + each, 0);
  if (!total) return counts.map(() => 0);
  const exact = counts.map((each) => (100 * each) / total);
  const whole = exact.map(Math.floor);
  const left = 100 - whole.reduce((sum, each) => sum + each, 0);
  const byRest = exact.map((share, index) => ({ index, rest: share - whole[index] }));
  byRest.sort((a, b) => b.rest - a.rest || a.index - b.index);
  for (const { index } of byRest.slice(0, left)) whole[index] += 1;
  return whole;
}

/**
 * The choice that most have made, the first of several; 0 where nobody has answered.
 * @param {number[]} counts
 */
export const favourite = (counts) => counts.indexOf(Math.max(...counts));

/**
 * The lesson whose question this is, null for one that no lesson asks.
 * @param {Poll} poll
 * @param {Record<string, Lesson>} lessons
 */
export const lessonOf = (poll, lessons) => Object.values(lessons).find(({ text }) => text === poll.question) ?? null;

/**
 * What the projector says of a poll.
 * @param {Poll} poll
 * @param {number} students
 */
export function standing({ open, answers, right, right_percent: share }, students) {
  const so = `${count(answers ?? 0)} of ${count(students)} ${answers === 1 ? "has" : "have"} predicted`;
  if (open) return `${so}.`;
  if (right === null) return `Closed: ${so}.`;
  return share === null ? "Nobody predicted." : `${Math.round(share)} % were right.`;
}

/**
 * What a student's page says of it.
 * @param {Poll} poll
 * @param {number | null} mine the student's own choice
 */
export function standingFor({ open, right, right_percent: share }, mine) {
  if (open)
    return mine === null ? "What do you predict?" : "You can change your prediction until the teacher closes it.";
  if (right === null) return "Closed. Now it is trained.";
  const own = mine === null ? "" : mine === right ? "You were right. " : "It turned out differently. ";
  return share === null ? "Nobody predicted." : `${own}${Math.round(share)} % were right.`;
}

export class PollView {
  shown = NaN; // number of the poll that the rows were built for
  /** @type {HTMLElement[]} */ rows = [];

  /** @param {((choice: number) => void) | null} choose what a press on a choice does; null: they cannot be pressed */
  constructor(choose) {
    this.choose = choose;
    this.root = element("section", "rgl-poll");
    this.title = element("h2");
    this.question = element("p", "rgl-question");
    this.list = element("div", "rgl-choices");
    this.status = element("p", "rgl-standing");
    this.status.setAttribute("role", "status");
    this.root.append(this.title, this.question, this.list, this.status);
  }

  /**
   * @param {Poll} poll
   * @param {Lesson | null} lesson whose question it is
   * @param {string} said how it stands
   * @param {number | null} mine a student's own choice
   */
  show(poll, lesson, said, mine = null) {
    if (this.shown !== poll.number) this.build(poll, lesson);
    const shares = poll.counts && percents(poll.counts);
    this.root.classList.toggle("rgl-closed", !poll.open);
    for (const [index, row] of this.rows.entries()) {
      row.classList.toggle("rgl-chosen", index === mine);
      row.classList.toggle("rgl-right", index === poll.right);
      row.style.setProperty("--share", `${shares?.[index] ?? 0}%`);
      if (row instanceof HTMLButtonElement) {
        row.disabled = !poll.open;
        row.setAttribute("aria-pressed", String(index === mine));
      }
      const share = shares && poll.counts ? `${shares[index]} % (${count(poll.counts[index])})` : "";
      setText(/** @type {Node} */ (row.lastChild), share + (index === poll.right ? " ✓" : ""));
    }
    setText(this.status, said);
  }

  /**
   * @param {Poll} poll
   * @param {Lesson | null} lesson
   */
  build(poll, lesson) {
    this.shown = poll.number;
    fill(this.title, lesson?.title, "Question");
    fill(this.question, lesson?.question, poll.question);
    const { choose } = this;
    this.rows = poll.choices.map((choice, index) => {
      const row = choose ? button("", "", () => choose(index)) : element("div");
      row.className = "rgl-choice";
      const words = element("span");
      fill(words, lesson?.choices[index], choice);
      row.append(words, element("span", "rgl-share"));
      return row;
    });
    this.list.replaceChildren(...this.rows);
  }
}

/**
 * @param {HTMLElement} node
 * @param {string | undefined} html of our own, with formulas; never a user's
 * @param {string} text where there is none
 */
function fill(node, html, text) {
  if (html === undefined) node.textContent = text;
  else node.innerHTML = html;
}
