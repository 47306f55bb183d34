// The board on a page of its own, for whoever opens a link to runs: all that the lab shows of them, without the lab.

import { mount } from "./board.js";
import { post } from "./steering.js";

/** @import { Page } from "./board.js" */
/** @import { Asked } from "./trying.js" */
/** @import { BoardData } from "./types.d.ts" */

const MOST = 6; // runs of a board
const FULL = `The board has room for ${MOST} runs; open this run alone to try it there.`;

/** Mount the board over the data that stand in the page. */
export function start() {
  const root = document.getElementById("board");
  const text = document.getElementById("data")?.textContent;
  if (!root || !text) return; // there are no runs at this address
  /** @type {BoardData} */
  const data = JSON.parse(text);
  /** @type {Page} */
  const page = {
    train() {},
    async tried(asked) {
      const problem = await tryIt(data, asked);
      if (problem) mount(root, { ...data, tried: { number: asked.number, problem } }, page);
    },
  };
  const open = () => mount(root, data, page);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", open);
  open();
}

/**
 * Train a changed run, and show it beside the others; return why that cannot be, null where it can.
 * @param {BoardData} data
 * @param {Asked} asked
 */
async function tryIt({ runs }, { run, changes }) {
  if (runs.length >= MOST) return FULL;
  const { answer, problem } = await post(run, "try", { changes });
  if (problem !== null) return problem;
  const shown = new URLSearchParams(location.search).get("run") ?? "";
  const keys = shown === answer.group_watch ? shown : [...runs.map(({ watch }) => watch), answer.watch].join(",");
  location.replace(`board?run=${encodeURIComponent(keys)}`);
  return null;
}
