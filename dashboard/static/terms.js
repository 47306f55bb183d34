// The glossary's words in a sentence: each can be pointed at, or tapped, for what it means.

import { element } from "./dom.js";

/**
 * By a term's name: its first sentence, and all words by which sentences call it.
 * @typedef {Record<string, { text: string, forms: string[] }>} Terms
 */

/**
 * A sentence in pieces, those that are terms with the name of the term; each term once, where it comes first.
 * @param {string} sentence
 * @param {Terms} terms
 * @returns {{ text: string, term: string | null }[]}
 */
export function pieces(sentence, terms) {
  /** @type {Map<string, string>} */
  const names = new Map();
  for (const [name, { forms }] of Object.entries(terms)) for (const form of forms) names.set(form.toLowerCase(), name);
  const longest = [...names.keys()].sort((a, b) => b.length - a.length).map(escaped);
  if (!longest.length) return [{ text: sentence, term: null }];
  const any = new RegExp(`(?<![\\p{L}\\p{N}])(?:${longest.join("|")})(?![\\p{L}\\p{N}])`, "giu");
  /** @type {Set<string>} */
  const told = new Set();
  const found = [];
  let end = 0;
  for (const match of sentence.matchAll(any)) {
    const term = names.get(match[0].toLowerCase()) ?? "";
    if (told.has(term)) continue;
    told.add(term);
    if (match.index > end) found.push({ text: sentence.slice(end, match.index), term: null });
    found.push({ text: match[0], term });
    end = match.index + match[0].length;
  }
  if (end < sentence.length) found.push({ text: sentence.slice(end), term: null });
  return found;
}

/** @param {string} text */
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** The glossary, fetched once, and the one bubble in which a term is explained. */
export class Glossary {
  /** @type {Terms} */ terms = {};
  /** @type {HTMLElement | null} */ shown = null; // the term that is explained
  bubble = element("div", "rgl-bubble");

  /** @param {HTMLElement} root in which the bubble stands */
  constructor(root) {
    this.root = root;
    this.bubble.id = `rgl-bubble-${Math.random().toString(36).slice(2)}`;
    this.bubble.setAttribute("role", "tooltip");
    this.bubble.hidden = true;
    root.append(this.bubble);
    this.onPointer = (/** @type {PointerEvent} */ event) => {
      if (event.target instanceof Node && !this.shown?.contains(event.target) && !this.bubble.contains(event.target))
        this.hide();
    };
    document.addEventListener("pointerdown", this.onPointer, true);
  }

  /**
   * @param {string} url
   * @param {() => void} came
   */
  async load(url, came) {
    try {
      const answer = await fetch(new URL(url, document.baseURI));
      if (!answer.ok) return;
      this.terms = await answer.json();
      came();
    } catch {
      // without it sentences are plain
    }
  }

  /**
   * Put a sentence into an element, its terms as words that can be asked about.
   * @param {HTMLElement} node
   * @param {string} sentence
   */
  write(node, sentence) {
    node.replaceChildren(
      ...pieces(sentence, this.terms).map(({ text, term }) =>
        term === null ? document.createTextNode(text) : this.word(text, term),
      ),
    );
  }

  /**
   * @param {string} text
   * @param {string} term
   */
  word(text, term) {
    const word = element("button", "rgl-term", text);
    word.type = "button";
    word.setAttribute("aria-describedby", this.bubble.id);
    const show = () => this.show(word, term);
    // moved, not entered: a sentence may come to stand under a mouse that rests
    word.onpointermove = (event) => event.pointerType === "mouse" && this.shown !== word && show();
    word.onpointerleave = (event) => event.pointerType === "mouse" && word !== document.activeElement && this.hide();
    word.onfocus = show;
    word.onblur = () => this.hide();
    word.onclick = show;
    return word;
  }

  /**
   * @param {HTMLElement} word
   * @param {string} term
   */
  show(word, term) {
    this.shown = word;
    this.bubble.replaceChildren(
      element("strong", "", term),
      document.createTextNode(` ${this.terms[term]?.text ?? ""}`),
    );
    this.bubble.hidden = false;
    const [own, frame] = [word.getBoundingClientRect(), this.root.getBoundingClientRect()];
    const most = Math.max(0, frame.width - this.bubble.offsetWidth);
    this.bubble.style.left = `${Math.min(Math.max(0, own.left - frame.left), most)}px`;
    this.bubble.style.top = `${own.bottom - frame.top + 4}px`;
  }

  hide() {
    this.shown = null;
    this.bubble.hidden = true;
  }

  /**
   * Hide on Escape what is shown; whether anything was.
   * @param {KeyboardEvent} event
   */
  press(event) {
    if (event.key !== "Escape" || this.bubble.hidden) return false;
    this.hide();
    return true;
  }

  destroy() {
    document.removeEventListener("pointerdown", this.onPointer, true);
  }
}
