// The profiles that stand for the steps which a reader goes to. The server decides which one that is, and its sentence
// speaks of the same; where the browser's copy was thinned, the profile is fetched.

import { unpack } from "./series.js";

/** @import { Profile, Series } from "./series.js" */
/** @import { PackedProfiles } from "./types.d.ts" */

const KEPT = 60;

export class ProfileCache {
  /** @type {Map<number, number>} */ decided = new Map(); // step gone to -> step of the profile that stands for it
  /** @type {Profile[]} */ kept = []; // oldest first

  /** @param {string | null} runId null: there is no server to ask */
  constructor(runId) {
    this.runId = runId;
  }

  /**
   * The profile that stands for a step (null: the newest); until the server has decided, the nearest one known.
   * @param {number | null} step
   * @param {Series} series
   */
  at(step, series) {
    const decided = step === null ? undefined : this.decided.get(step);
    return this.kept.find((each) => each.step === decided) ?? series.profileAt(step);
  }

  /**
   * Let the profile of step `decided` stand for `step`, and have it here.
   * @param {number} step
   * @param {number} decided
   * @param {Series} series
   */
  async settle(step, decided, series) {
    if (!this.kept.some((each) => each.step === decided)) {
      const profile = series.profiles.find((each) => each.step === decided) ?? (await this.fetch(decided));
      if (profile?.step !== decided) return; // none is stored
      this.kept = [...this.kept, profile].slice(-KEPT);
    }
    this.decided.set(step, decided);
  }

  /**
   * @param {number} step
   * @returns {Promise<Profile | null>}
   */
  async fetch(step) {
    const answer = await fetch(new URL(`api/runs/${this.runId}/profile?step=${step}`, document.baseURI));
    if (!answer.ok) return null;
    /** @type {{ profiles: PackedProfiles | null }} */
    const { profiles } = await answer.json();
    return profiles && unpack(profiles)[0];
  }
}
