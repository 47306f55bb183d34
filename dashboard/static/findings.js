// What was found out about a run: the main finding as its headline, the others folded, each with the change to try.

import { button, count, element, setText } from "./dom.js";

/** @import { Glossary } from "./terms.js" */
/** @import { Trying } from "./trying.js" */
/** @import { Finding, Insights, LiveRun, Remedy, Said } from "./types.d.ts" */

const ENDED_EARLY = new Set(["stopped", "failed", "killed", "interrupted"]); // such a run may be started once more
const HELD_MS = 3000;

/**
 * What can be said, as it stands in an answer of the server; null where nothing can.
 * @param {Insights} insights
 * @param {number | null} step that is told, null for the newest
 * @param {number | null} asked the step that was asked for, of which there may be no profile
 * @returns {Said | null}
 */
export function saidOf({ findings, verdicts }, step, asked = step) {
  const damage = verdicts.find(({ kind }) => kind === "damaged")?.sentence ?? "";
  return findings.length || damage ? { step, near: step !== asked, findings, damage } : null;
}

/**
 * Of which step something is said, before it is said.
 * @param {Pick<Said, "step" | "near"> | null} said
 */
export const leadOf = (said) =>
  said?.step ? `At step ${count(said.step)}${said.near ? ", the nearest recorded profile" : ""}: ` : "";

/** One remedy: its button, and what is said beside it. */
class Offer {
  root = element("span", "rgl-offer");
  said = element("span", "rgl-said");
  key = ""; // of the change that the button stands for
  held = 0; // until when it stays that one, since the pointer is on it
  /** @type {(() => void) | null} */ press = null;

  what = element("span", "rgl-what"); // what it would change, in words

  constructor() {
    this.button = button("", "", () => this.press?.());
    this.verb = element("span", "", "Try it");
    this.button.append(this.verb, this.what);
    this.button.classList.add("rgl-try");
    this.button.onpointerenter = () => (this.held = performance.now() + HELD_MS);
    this.button.onpointerleave = () => (this.held = 0);
    this.said.setAttribute("role", "status");
    this.root.append(this.button, this.said);
  }

  /**
   * @param {LiveRun} run
   * @param {Remedy | null} remedy
   * @param {Shown} shown
   */
  show(run, remedy, { runs, trying, tries }) {
    const key = JSON.stringify([run.id, remedy?.changes]);
    if (key !== this.key && performance.now() < this.held) return;
    this.key = key;
    const { id } = run;
    if (!tries || id === null || !remedy || !(remedy.words || remedy.problem)) {
      this.root.hidden = true;
      return;
    }
    this.root.hidden = false;
    const { starting, problem } = trying.about(id, remedy);
    const twin = runs.find(
      (each) => each !== run && each.settings === remedy.settings && !ENDED_EARLY.has(each.state?.status ?? ""),
    );
    this.button.hidden = remedy.problem !== null || (twin !== undefined && !starting);
    setText(this.verb, starting ? "Starting" : "Try it");
    setText(this.what, starting ? "" : `: ${remedy.words}`);
    this.button.title = `Train the same run, same seed and same batches, with this change: ${remedy.words}`;
    this.button.disabled = trying.waiting !== null;
    this.press = () => trying.press(id, remedy);
    setText(this.said, remedy.problem ?? problem ?? (twin ? `On the board: ${nameOf(twin)}` : ""));
    this.said.classList.toggle("rgl-alert", Boolean(problem));
  }
}

/** @param {LiveRun} run */
const nameOf = (run) => (run.short ? `${run.short}. ${run.label}` : run.label);

/** All that the lines of a board share. */
/** @typedef {{ runs: LiveRun[], trying: Trying, glossary: Glossary, tries: boolean }} Shown */

/** A finding in the fold. */
class Entry {
  root = element("li");
  title = element("strong");
  sentence = element("span", "rgl-sentence");
  evidence = element("span", "rgl-evidence");
  remedy = element("span", "rgl-remedy");
  offer = new Offer();

  constructor() {
    this.root.append(this.title, this.sentence, this.evidence, this.remedy, this.offer.root);
  }

  /**
   * @param {LiveRun} run
   * @param {Finding} finding
   * @param {Shown} shown
   * @param {boolean} main whether its sentence and button stand above already, where there is room
   */
  show(run, finding, shown, main) {
    this.root.classList.toggle("rgl-main", main);
    write(this.title, finding.title, shown.glossary);
    write(this.sentence, finding.sentence, shown.glossary);
    write(this.evidence, finding.measured && `Measured: ${finding.measured}.`, shown.glossary);
    this.evidence.hidden = !finding.measured;
    write(this.remedy, finding.remedy?.sentence ?? "", shown.glossary);
    this.remedy.hidden = !finding.remedy;
    this.offer.show(run, finding.remedy, shown);
  }
}

export class Findings {
  root = element("div", "rgl-findings");
  headline = element("span", "rgl-verdict");
  brief = element("span", "rgl-brief"); // in its place in projector mode
  offer = new Offer();
  list = element("ul", "rgl-others");
  called = element("span");
  /** @type {Map<string, Entry>} */ entries = new Map();
  open = false;

  constructor() {
    this.headline.setAttribute("aria-live", "polite");
    this.more = button("", "", () => this.toggle());
    this.more.append(this.called);
    this.more.classList.add("rgl-more");
    this.more.setAttribute("aria-expanded", "false");
    this.list.hidden = true;
    this.more.hidden = true; // until there is something to call it by
    this.root.append(this.headline, this.brief, this.offer.root, this.more, this.list);
  }

  toggle() {
    this.open = !this.open;
    this.list.hidden = !this.open;
    this.reach();
    this.more.setAttribute("aria-expanded", String(this.open));
    this.root.classList.toggle("rgl-open", this.open);
  }

  // The Tab key stops at the words of the headline only while what they belong to is open: it would stop at many.
  reach() {
    for (const word of this.headline.children) if (word instanceof HTMLElement) word.tabIndex = this.open ? 0 : -1;
  }

  /**
   * @param {LiveRun} run
   * @param {Said | null} said
   * @param {Shown} shown
   */
  show(run, said, shown) {
    const findings = said?.findings ?? [];
    const [main] = findings;
    const damage = said?.damage ? ` ${said.damage}` : "";
    write(this.headline, said ? `${leadOf(said)}${main?.sentence ?? ""}${damage}` : "", shown.glossary);
    this.root.dataset.verdict = signOf(main);
    this.reach();
    this.offer.show(run, main?.remedy ?? null, shown);
    const others = findings.length - 1;
    setText(this.called, others > 0 ? `${others} more` : "Why");
    this.more.setAttribute("aria-label", others > 0 ? `${others} more finding${others > 1 ? "s" : ""}` : "Why");
    this.more.title = others > 0 ? "What else was found, and what was measured" : "What was measured";
    this.more.hidden = !findings.length;
    this.fold(run, findings, shown);
  }

  /**
   * @param {LiveRun} run
   * @param {Finding[]} findings
   * @param {Shown} shown
   */
  fold(run, findings, shown) {
    const kinds = findings.map(({ kind }) => kind);
    for (const finding of findings) if (!this.entries.has(finding.kind)) this.entries.set(finding.kind, new Entry());
    const offered = new Set(); // two findings may call for the same change
    for (const [place, finding] of findings.entries()) {
      const key = finding.remedy && JSON.stringify(finding.remedy.changes);
      const once = offered.has(key) ? { ...finding, remedy: null } : finding;
      if (key) offered.add(key);
      this.entries.get(finding.kind)?.show(run, once, shown, !place);
    }
    const nodes = kinds.flatMap((kind) => this.entries.get(kind)?.root ?? []);
    if (nodes.length !== this.list.children.length || nodes.some((node, place) => this.list.children[place] !== node)) {
      this.list.replaceChildren(...nodes);
    }
  }
}

/**
 * What is to be seen of a finding without reading it: whether the run learns, or has a fault; "" where neither is said.
 * @param {Finding | undefined} finding
 */
export const signOf = (finding) =>
  finding?.kind === "learning" ? "learns" : finding?.group === "cause" ? "fault" : "";

/**
 * Write a sentence with its terms, unless it stands there, or the reader is asking about a word of it.
 * @param {HTMLElement} node
 * @param {string} sentence
 * @param {Glossary} glossary
 */
function write(node, sentence, glossary) {
  const known = `${Object.keys(glossary.terms).length} ${sentence}`;
  if (node.dataset.said === known || (glossary.shown && node.contains(glossary.shown))) return;
  node.dataset.said = known;
  glossary.write(node, sentence);
}
