// What runs are called where there is little room.

const MOST_NAMED = 3; // runs whose names fit into every legend; more are numbered,
const MOST_LETTERS = 60; // and so are fewer with long names

/**
 * A number for each run, null where the names themselves have room everywhere.
 * @param {string[]} labels
 */
export function shortNames(labels) {
  const numbered = labels.length > MOST_NAMED || (labels.length > 1 && labels.join("").length > MOST_LETTERS);
  return labels.map((_, index) => (numbered ? String(index + 1) : null));
}
