// The recorded example that the board shows before there is a run of the reader's own.

/** @import { LiveRun, Records } from "./types.d.ts" */

/**
 * Fill runs with what was recorded; whether that has worked.
 * @param {string} url
 * @param {LiveRun[]} runs
 */
export async function fillWithExample(url, runs) {
  const answer = await fetch(new URL(url, document.baseURI));
  if (!answer.ok) return false;
  /** @type {{ runs: Records[] }} */
  const recorded = await answer.json();
  for (const [index, records] of recorded.runs.slice(0, runs.length).entries()) {
    runs[index].series.append(records);
    runs[index].info = records.info;
  }
  return true;
}
