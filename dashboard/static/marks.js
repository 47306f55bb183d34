// What is worth a vertical mark over the training steps: where runs part, where one diverged, what was changed by hand.

import { count, texts } from "./dom.js";

/** @import { Mark } from "./figures.d.ts" */
/** @import { Run } from "./types.d.ts" */

/**
 * @param {Pick<Run, "label" | "state" | "series">[]} runs
 * @param {Mark[]} partings of `Partings`
 * @returns {Mark[]}
 */
export function marksOf(runs, partings) {
  const list = [...partings];
  for (const run of runs) {
    if (run.state?.status !== "diverged") continue;
    const step = run.state.last_step;
    list.push({ step, text: `${texts([run.label], 60)[0]}: diverged at step ${count(step)}`, alert: true });
  }
  const last = Math.max(1, ...runs.map((run) => run.series.last));
  /** @type {Map<string, Mark>} */
  const changes = new Map(); // one mark for runs changed together, and one for a slider on its way
  for (const [step, name, value] of runs.flatMap((run) => run.series.events)) {
    const text = `${name === "learning_rate" ? "learning rate" : "threshold"} ${Number(value.toPrecision(3))}`;
    changes.set(`${name} ${Math.round((step / last) * 15)}`, { step, text });
  }
  return [...list, ...changes.values()];
}
