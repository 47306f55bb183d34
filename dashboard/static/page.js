// The board on a page of its own, for whoever opens a link to runs: all that the lab shows of them, without the lab.

import { mount } from "./board.js";

const NO_LAB = { train() {}, tried() {} };

/** Mount the board over the data that stand in the page. */
export function start() {
  const root = document.getElementById("board");
  const text = document.getElementById("data")?.textContent;
  if (!root || !text) return; // there are no runs at this address
  const data = JSON.parse(text);
  const open = () => mount(root, data, NO_LAB);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", open);
  open();
}
