// The instruments of the runs on the board: a card each, which asks for nothing before it is opened.

import { call } from "./calls.js";
import { ACTIVE, button, element, setRich, setText } from "./dom.js";
import { drawReading, when, whenInFull, withSubscripts } from "./readings.js";

/** @import { Hooks, InstrumentList, InstrumentEntry, ReadingAnswer } from "./instruments.d.ts" */
/** @import { Plotly } from "./plotly.d.ts" */
/** @import { LiveRun } from "./types.d.ts" */

const REST_MS = 500; // a step must have been chosen for so long
const LIVE_MS = 4000; // while training, a reading is at least so old before the next
const TIMES_SLOWER = 4; // than it took to work it out
const EVERY = "every"; // the choice of how often a course is read
const QUIET_MS = 8000; // what follows training says that it is being read again only where it takes longer
const FOLLOWS = "Follows training: it is read again as the run goes on.";

/**
 * The whole number nearest to what was typed that can be asked for; empty: nothing was chosen.
 * @param {string} typed
 * @param {string} most the largest one, empty while that is not known
 */
export function allowed(typed, most) {
  const number = Math.round(Number(typed));
  if (typed === "" || Number.isNaN(number)) return "";
  return String(Math.max(1, Math.min(number, Number(most) || number)));
}

/**
 * Called by the board's script when the fold is opened first.
 * @param {HTMLElement} root
 * @param {InstrumentList} list
 * @param {Hooks} hooks
 */
export function open(root, list, hooks) {
  return new Instruments(root, list, hooks);
}

class Instruments {
  timer = 0;

  /**
   * @param {HTMLElement} root
   * @param {InstrumentList} list
   * @param {Hooks} hooks
   */
  constructor(root, list, hooks) {
    this.hooks = hooks;
    this.whole = list.whole;
    /** @type {Promise<Plotly> | null} */
    this.wholePlotly = null;
    this.cards = list.instruments.map(
      (entry) => new InstrumentCard(entry, list.no_course, hooks, (whole) => this.plotly(whole)),
    );
    root.append(...this.cards.map((card) => card.root));
  }

  /**
   * What is shown may be another step, other runs or another theme now, or there may be news of it.
   * @param {boolean} news whether runs that train have gone on, and nothing else has changed
   */
  follow(news) {
    clearTimeout(this.timer);
    const turn = () => {
      for (const card of this.cards) if (card.root.open) card.follow(news);
    };
    if (news) turn();
    else this.timer = setTimeout(turn, REST_MS);
  }

  /** @param {boolean} whole */
  async plotly(whole) {
    const small = await this.hooks.plotly();
    if (!whole) return small;
    this.wholePlotly ??= loadWhole(this.whole, small);
    return this.wholePlotly;
  }

  stop() {
    clearTimeout(this.timer);
    for (const card of this.cards) card.stop();
  }
}

/**
 * Load the plotly.js that draws surfaces; the page's own stays in its place.
 * @param {string} url
 * @param {Plotly} small
 * @returns {Promise<Plotly>}
 */
function loadWhole(url, small) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = () => {
      const whole = window.Plotly;
      window.Plotly = small;
      resolve(whole);
    };
    script.onerror = () => reject(new Error("plotly.js did not load"));
    document.head.append(script);
  });
}

/** Whether a run trains in a program of its user: how many steps that will do is not known. @param {LiveRun} run */
const watched = (run) => run.state?.steps === 0 && run.state.status !== "unknown";

class InstrumentCard {
  shown = ""; // what is drawn: runs, step and theme
  /** @type {AbortController | null} */ asking = null;
  readAt = -Infinity;
  took = 0; // milliseconds that the readings took, one after another
  course = false;
  recalled = false;
  /** @type {HTMLButtonElement | null} */ turn = null;
  /** @type {Record<string, number>} */ most = {}; // the largest number of each choice, of all runs that were read

  /**
   * @param {InstrumentEntry} entry
   * @param {string} noCourse why no watched run is followed over training
   * @param {Hooks} hooks
   * @param {(whole: boolean) => Promise<Plotly>} plotly
   */
  constructor(entry, noCourse, hooks, plotly) {
    this.entry = entry;
    this.noCourse = noCourse;
    this.hooks = hooks;
    this.plotly = plotly;
    this.root = element("details", "rgl-instrument");
    this.root.dataset.instrument = entry.key;
    this.place = `rgl instrument ${entry.key}`; // of what was chosen, while this tab lives
    const summary = element("summary");
    summary.append(element("h3", "", entry.title), element("span", "", entry.help));
    this.body = element("div", "rgl-instrument-body");
    const about = element("p", "rgl-aside");
    setRich(about, `${withSubscripts(entry.formula)}. Source: ${entry.source}.`);
    const [look, terms] = [element("p"), element("p", "rgl-aside")];
    const [advice, names] = [element("span"), element("span")];
    look.append(element("strong", "", "What to look for: "), advice);
    terms.append("In the glossary: ", names, ".");
    terms.hidden = !entry.terms.length;
    this.bar = element("div", "rgl-instrument-bar");
    this.status = element("span", "rgl-aside");
    this.status.setAttribute("role", "status");
    const choosing = entry.follows || entry.asks.length > 0;
    if (choosing) this.bar.append(this.status);
    else look.append(" ", this.status); // no row of its own, which would be empty most of the time
    if (entry.follows) this.bar.prepend(this.turnButton());
    const fields = entry.asks.map(({ name, empty }) => this.choice(name, empty));
    this.choices = fields.filter(({ name }) => name !== EVERY);
    this.often = fields.find(({ name }) => name === EVERY) ?? this.choice(EVERY, "");
    this.bar.prepend(...this.choices.map(({ label }) => label));
    this.often.label.hidden = true;
    if (entry.follows) this.status.before(this.often.label);
    this.places = element("div", "rgl-instrument-runs");
    this.body.append(look, ...(choosing ? [this.bar] : []), this.places, about, terms);
    this.root.append(summary, this.body);
    this.root.ontoggle = () => {
      if (!this.root.open) return this.stop();
      hooks.write(advice, entry.look);
      hooks.write(names, entry.terms.join(", "));
      this.recall();
      this.follow(false);
    };
  }

  turnButton() {
    this.turn = button("Over training", "Read it at several steps of the run, up to the one shown", () => {
      this.turnTo(!this.course);
      this.follow(false);
    });
    this.turn.setAttribute("aria-pressed", "false");
    return this.turn;
  }

  /** @param {boolean} course */
  turnTo(course) {
    this.course = course;
    this.turn?.setAttribute("aria-pressed", String(course));
    this.often.label.hidden = !course;
  }

  // What was chosen for these runs before the page was loaded anew.
  recall() {
    if (this.recalled) return;
    this.recalled = true;
    const kept = JSON.parse(sessionStorage.getItem(this.place) ?? "null");
    if (kept?.runs !== this.runs()) return;
    if (this.entry.follows) this.turnTo(kept.course === true);
    for (const { name, field } of [...this.choices, this.often]) field.value = kept.values[name] ?? "";
  }

  keep() {
    const values = Object.fromEntries([...this.choices, this.often].map(({ name, field }) => [name, field.value]));
    sessionStorage.setItem(this.place, JSON.stringify({ runs: this.runs(), course: this.course, values }));
  }

  runs() {
    return this.hooks
      .now()
      .runs.map(({ id }) => id)
      .join();
  }

  /**
   * A number that the reader may choose; empty: the instrument chooses.
   * @param {string} name
   * @param {string} empty what is taken then
   */
  choice(name, empty) {
    const field = element("input");
    field.type = "number";
    field.min = "1";
    field.placeholder = empty;
    field.onchange = () => {
      field.value = allowed(field.value, field.max);
      this.follow(false);
    };
    const words = name === EVERY ? "At every so many evaluations" : name.charAt(0).toUpperCase() + name.slice(1);
    const label = element("label", "rgl-instrument-choice", words);
    label.append(" ", field);
    return { name, field, label };
  }

  /** What was chosen, as the address of a reading has it. */
  chosen() {
    return [...this.choices, ...(this.course ? [this.often] : [])]
      .flatMap(({ name, field }) => (field.value ? [`&${name}=${encodeURIComponent(field.value)}`] : []))
      .join("");
  }

  /** @param {boolean} news */
  follow(news) {
    const { runs, step, theme } = this.hooks.now();
    const known = runs.filter((run) => run.id);
    if (this.turn) this.turn.hidden = known.length > 0 && known.every(watched);
    if (this.turn?.hidden && this.course) this.turnTo(false);
    const wanted = JSON.stringify([known.map(({ id }) => id), step, theme, this.course, this.chosen()]);
    const live = step === null && known.some((run) => ACTIVE.has(run.state?.status));
    const due = performance.now() - this.readAt >= Math.max(LIVE_MS, TIMES_SLOWER * this.took);
    const again = news && this.asking === null && due && (live || this.wasLive);
    if (!live && this.status.textContent === FOLLOWS) setText(this.status, "");
    if (wanted === this.shown && !again) {
      if (news && !live && this.wasLive && this.asking === null) this.lookAgain(); // once more, of its end
      return;
    }
    const refreshed = wanted === this.shown;
    if (!refreshed) this.keep();
    this.wasLive = live;
    this.shown = wanted;
    this.read(known, step, theme, refreshed);
  }

  wasLive = false; // whether more was to come when it was read last
  waits = ""; // what is said while the program of a watched run is asked for a newer reading
  /** @type {number[]} */ shares = []; // of the work for each run that is done: none ever falls
  answered = false; // whether any run had something to show
  again = 0; // timer, until it is looked for

  /**
   * @param {LiveRun[]} runs
   * @param {number | null} step
   * @param {string} theme
   * @param {boolean} refreshed whether the same is shown of an earlier step
   */
  async read(runs, step, theme, refreshed) {
    this.asking?.abort();
    const asking = new AbortController();
    this.asking = asking;
    this.waits = "";
    this.answered = false;
    this.most = {};
    this.shares = runs.map(() => 0);
    const loud = performance.now() + (refreshed ? QUIET_MS : 0);
    if (this.places.children.length !== runs.length)
      this.places.replaceChildren(...runs.map(() => element("div", "rgl-instrument-run")));
    if (!runs.length) setText(this.status, "There are no runs on the board yet.");
    const seconds = await Promise.all(
      runs.map((run, index) => {
        const place = /** @type {HTMLElement} */ (this.places.children[index]);
        return this.readRun(run, index, place, step, theme, loud, asking.signal);
      }),
    );
    if (this.asking !== asking) return;
    this.asking = null;
    for (const { name, field } of [...this.choices, this.often]) field.max = String(this.most[name] ?? "");
    this.readAt = performance.now();
    this.took = this.waits ? 0 : 1000 * seconds.reduce((sum, each) => sum + each, 0); // a program takes its own time
    const active = this.hooks.now().runs.some((each) => ACTIVE.has(each.state?.status));
    const follows = this.wasLive && this.answered && active;
    if (runs.length) setText(this.status, this.waits || (follows ? FOLLOWS : ""));
    if (this.waits || (this.wasLive && !active)) this.lookAgain();
    this.root.dataset.read = this.shown;
  }

  lookAgain() {
    clearTimeout(this.again);
    const due = this.readAt + Math.max(LIVE_MS, TIMES_SLOWER * this.took) - performance.now();
    this.again = window.setTimeout(() => this.root.open && this.follow(true), Math.max(0, due) + 50);
  }

  /**
   * Returns the seconds that the reading took.
   * @param {LiveRun} run
   * @param {number} index
   * @param {HTMLElement} place
   * @param {number | null} step
   * @param {string} theme
   * @param {number} loud when it is to be said that something is being read, if it still is
   * @param {AbortSignal} signal
   */
  async readRun(run, index, place, step, theme, loud, signal) {
    const heading = element("h4");
    const swatch = element("span", "rgl-swatch");
    swatch.style.background = this.hooks.colors()[index];
    heading.append(swatch, ` ${run.label}`);
    const never = watched(run) ? this.entry.unwatched || (this.course ? this.noCourse : "") : "";
    if (never) {
      place.replaceChildren(heading, element("p", "", never)); // nobody is asked for what cannot be
      return 0;
    }
    const query = new URLSearchParams({ theme, color: String(index) });
    if (step !== null) query.set("step", String(Math.min(step, run.series.last || 1)));
    if (this.course) query.set("course", "1");
    const path = `api/runs/${run.id}/instruments/${this.entry.key}`;
    const chosen = this.chosen();
    let status = 202;
    /** @type {ReadingAnswer & { share?: number, doing?: string } | null} */
    let answer = null;
    let problem = null;
    const { shares } = this;
    const tell = (/** @type {string} */ words) => performance.now() >= loud && setText(this.status, words);
    tell("Reading …");
    while (status === 202 && !signal.aborted) {
      ({ status, answer, problem } = await call("GET", `${path}?${query}${chosen}`, undefined, signal));
      shares[index] = status === 202 ? Math.max(shares[index], answer?.share ?? 0) : 1;
      const done = shares.reduce((sum, each) => sum + each, 0) / shares.length;
      const doing = answer?.doing ? `: ${answer.doing}` : "";
      if (status === 202) tell(answer?.waiting ?? `Reading … ${Math.floor(100 * done)} %${doing}`);
    }
    if (signal.aborted) return 0;
    this.waits ||= answer?.waiting ?? "";
    if (problem !== null || !answer) {
      place.replaceChildren(heading, element("p", "", problem ?? ""));
      return 0;
    }
    this.answered ||= !answer.undefined;
    for (const [name, most] of Object.entries(answer.most ?? {}))
      this.most[name] = Math.max(most, this.most[name] ?? 1);
    const at = when(answer.step, watched(run) ? Infinity : run.series.last);
    const whose = `${run.label}, ${at}`;
    const links = element("span", "rgl-instrument-files");
    if (this.entry.small) links.append(this.small(run.id));
    if (!answer.undefined) links.append(...this.files(path, answer.step));
    const told = element("span", "rgl-aside", at);
    if (!watched(run) && !this.course) told.title = whenInFull(answer.step, run.series.last);
    heading.append(told, links);
    const drawn = place.querySelector(".rgl-reading");
    if (drawn instanceof HTMLElement) {
      drawn.previousElementSibling?.replaceWith(heading); // the figures stay where they are: nothing flashes
      await drawReading(drawn, answer, this.plotly, whose);
    } else {
      const first = element("div", "rgl-reading");
      place.replaceChildren(heading, first);
      await drawReading(first, answer, this.plotly, whose);
    }
    return answer.seconds;
  }

  /**
   * @param {string} path
   * @param {number} step
   */
  files(path, step) {
    return [
      ["npz", "NPZ"],
      ["parquet", "Parquet"],
    ].map(([form, name]) => {
      const link = element("a", "", name);
      link.href = new URL(
        `${path}?step=${step}${this.course ? "&course=1" : ""}${this.chosen()}&as=${form}`,
        document.baseURI,
      ).href;
      link.title = `All numbers of this reading as a file (${name})`;
      link.download = "";
      return link;
    });
  }

  /** @param {string} run whose cell the example has, where there is one */
  small(run) {
    const link = element("a", "", "A small example of this cell");
    link.href = new URL(`${this.entry.small}?like=${encodeURIComponent(run)}`, document.baseURI).href;
    link.target = "_blank"; // the board stays as it is
    link.title = "A small network with weights of its own, not those of the run: every number, forward and back";
    return link;
  }

  stop() {
    clearTimeout(this.again);
    this.asking?.abort();
    if (this.asking) this.shown = "";
    this.asking = null;
  }
}
