// Elements without markup, numbers in words, the page's theme.

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element(tag, className = "", text = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

/**
 * @param {string} text
 * @param {string} title what it does, in a sentence
 * @param {() => void} onclick
 */
export function button(text, title, onclick) {
  const node = element("button", "rgl-button", text);
  node.type = "button";
  node.title = title;
  node.onclick = onclick;
  return node;
}

// Control characters, marks that turn the direction of all that follows, halves of characters (as in rnncore/words.py).
const HIDDEN = /[\p{Cc}\p{Cs}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;

/**
 * The user's names as plotly shows them as text: without markup, short, and each different.
 * @param {readonly string[]} names
 */
export function texts(names, width = 30) {
  /** @type {Map<string, number>} */
  const seen = new Map();
  return names.map((name) => {
    const letters = [...name.replace(/[^\S\ufeff]+/gu, " ").replace(HIDDEN, "")];
    const half = Math.floor(width / 2);
    const short =
      letters.length <= width ? letters : [...letters.slice(0, half), "…", ...letters.slice(half + 1 - width)];
    const text = short.join("");
    const place = (seen.get(text) ?? 0) + 1;
    seen.set(text, place);
    return escaped(place === 1 ? text : `${text} (${place})`);
  });
}

/** @param {string} text */
const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/**
 * Set a text only when it changes, so that a selection or a screen reader is not disturbed.
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Text with plotly's <sub> and <sup>, the only markup that the figures' own words use.
 * @param {HTMLElement} node
 * @param {string} text
 */
export function setRich(node, text) {
  if (node.dataset.text === text) return;
  node.dataset.text = text;
  node.replaceChildren(
    ...text.split(/(<su[bp]>.*?<\/su[bp]>)/).map((part) => {
      const match = /^<(su[bp])>(.*)<\/su[bp]>$/.exec(part);
      return match ? element(match[1] === "sub" ? "sub" : "sup", "", match[2]) : document.createTextNode(part);
    }),
  );
}

/** @type {Set<string | undefined>} statuses of runs that are not over */
export const ACTIVE = new Set(["queued", "running", "paused"]);

/** @param {number} length */
export const range = (length) => Array.from({ length }, (_, index) => index + 1);

/** @param {unknown[]} list 1, 2 and 3 */
export const inWords = (list) => new Intl.ListFormat("en-GB").format(list.map(String));

/** @param {number} value */
export const count = (value) => value.toLocaleString("en-US");

/** @param {number} value */
export function number(value) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : "infinite";
  const [mantissa, exponent] = value.toExponential(2).split("e").map(Number);
  if (value !== 0 && (exponent < -4 || exponent > 4)) return `${mantissa}e${exponent}`;
  return value.toLocaleString("en", { maximumSignificantDigits: 3 });
}

/** @param {number} seconds */
export function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** @param {Element} node */
export function isDark(node) {
  const color = getComputedStyle(node).getPropertyValue("--st-background-color").trim();
  const canvas = document.createElement("canvas").getContext("2d");
  if (!canvas) return false;
  canvas.fillStyle = color || "#ffffff";
  const value = parseInt(canvas.fillStyle.slice(1), 16);
  return ((value >> 16) & 255) * 0.299 + ((value >> 8) & 255) * 0.587 + (value & 255) * 0.114 < 128;
}
