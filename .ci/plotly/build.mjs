// Builds dashboard/vendored/plotly.min.js: plotly.js with the kinds of traces that the board draws, and no others.
// `npm ci && npm run build` in this folder; the outcome is the same to the byte.

import { createRequire } from "node:module";
import { build } from "esbuild";

const TRACES = ["scatter", "bar", "heatmap"];
const { version } = createRequire(import.meta.url)("plotly.js/package.json");
const required = TRACES.map((name) => `require("plotly.js/lib/${name}")`).join(", ");
await build({
  stdin: {
    contents: `const plotly = require("plotly.js/lib/core"); plotly.register([${required}]); module.exports = plotly;`,
    resolveDir: import.meta.dirname,
  },
  banner: { js: `/* plotly.js v${version}, traces: ${TRACES.join(", ")}; MIT licence, (c) Plotly, Inc.; see .ci/plotly */` },
  bundle: true,
  define: { global: "window", "define.amd": "false", "process.env.NODE_DEBUG": "false" },
  format: "iife",
  globalName: "Plotly",
  legalComments: "eof",
  loader: { ".css": "empty" }, // of maps
  minify: true,
  outfile: "../../dashboard/vendored/plotly.min.js",
  target: "es2020",
});
