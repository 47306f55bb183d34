// What the microscope writes anew in every frame: a page that is told only what changed has less to lay out and to draw.

/**
 * @template T
 * @param {(value: T) => void} write
 * @returns {(value: T) => void} writes a value unless it was the last one
 */
export function changes(write) {
  /** @type {T | undefined} */
  let last;
  return (value) => {
    if (value === last) return;
    last = value;
    write(value);
  };
}

/**
 * A text at the end of an element.
 * @param {Node} parent
 */
export function liveText(parent) {
  const node = document.createTextNode("");
  parent.appendChild(node);
  return changes((/** @type {string} */ text) => {
    node.data = text;
  });
}

/**
 * An attribute of an element.
 * @param {Element} node
 * @param {string} name
 */
export const liveAttribute = (node, name) =>
  changes((/** @type {string} */ value) => {
    node.setAttribute(name, value);
  });

/**
 * How strongly an element is coloured, or how high it is, 0 to 1 in hundredths: what nobody could see is not drawn anew.
 * @param {HTMLElement} node
 */
export function liveShare(node) {
  const write = changes((/** @type {number} */ hundredths) => {
    node.style.setProperty("--much", String(hundredths / 100));
  });
  return (/** @type {number} */ share) => write(Math.round(share * 100));
}

/** Which of the elements that it was told of are on the screen. */
export class OnScreen {
  /** @type {Set<Element>} */ here = new Set();

  /** @param {() => void} came when one of them comes into view */
  constructor(came) {
    this.observer = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) this.here[isIntersecting ? "add" : "delete"](target);
      if (entries.some(({ isIntersecting }) => isIntersecting)) came();
    });
  }

  /** @param {Element} node */
  watch(node) {
    this.observer.observe(node);
  }

  /** @param {Element} node */
  forget(node) {
    this.observer.unobserve(node);
    this.here.delete(node);
  }
}

/**
 * The parts of a picture, each of which shows something of what it is told, by the element that they stand in.
 * @template Told
 */
export class Parts {
  /** @type {Map<Element, ((told: Told) => void)[]>} */ groups = new Map();

  /** @param {Pick<OnScreen, "here" | "watch" | "forget">} screen */
  constructor(screen) {
    this.screen = screen;
  }

  clear() {
    for (const node of this.groups.keys()) this.screen.forget(node);
    this.groups.clear();
  }

  /**
   * @param {Element} node
   * @param {(told: Told) => void} part
   */
  add(node, part) {
    const group = this.groups.get(node);
    if (group) group.push(part);
    else {
      this.groups.set(node, [part]);
      this.screen.watch(node);
    }
  }

  /**
   * @param {Told} told
   * @param {boolean} all also what is not on the screen
   */
  show(told, all) {
    for (const [node, parts] of this.groups) {
      if (all || this.screen.here.has(node)) for (const part of parts) part(told);
    }
  }
}
