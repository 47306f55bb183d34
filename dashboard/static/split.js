// What units and weights do to the gradient on each step back: bars in a strip below the gradient through time.

import { slice } from "./arrays.js";
import { range } from "./dom.js";
import { overLag } from "./lags.js";

/** @import { PartFill } from "./part_fills.js" */
/** @import { Drawn } from "./rules.js" */
/** @import { AxisLayout, Trace } from "./plotly.d.ts" */

const STRIP = 0.27; // share of the figure's height
const GAP = 0.11;
const WORDS = {
  text: "solid: units, pale: weights",
  x: 0,
  y: STRIP,
  xref: "paper",
  yref: "paper",
  xanchor: "left",
  yanchor: "bottom",
  showarrow: false,
};
const NOTHING = -1; // decades of a bar that stands for exactly nothing, below all others

/** @type {PartFill} */
export function fillSplit(trace, { saturation }, context, { series }) {
  const packed = saturation?.[trace.meta?.path === "saturation.units" ? "units" : "weights"];
  if (!packed) return;
  const { values } = slice(packed, [series.shown(context.view.layer)], 1);
  const lag = overLag(context);
  const least = Math.min(0, ...values.filter(Number.isFinite)) / Math.LN10;
  trace.x = range(values.length).map((t) => (lag ? values.length - t : t));
  trace.y = values.map((value) => {
    if (value === -Infinity) return least + NOTHING;
    return Number.isFinite(value) ? value / Math.LN10 : null;
  });
  trace.hovertemplate = values.map((value) => (value === -Infinity ? "exactly 0" : `× ${told(Math.exp(value))}`));
}

/** @param {number} factor */
const told = (factor) => Number(factor.toPrecision(3)).toString();

/** @param {Trace} trace */
export const inStrip = (trace) => trace.yaxis === "y3";

/**
 * The strip has room while there is a bar to see.
 * @param {Drawn} drawn
 */
export function splitStrip({ context, data, layout }) {
  if (!data.some((trace) => inStrip(trace) && trace.visible !== false && trace.y?.length)) {
    delete layout.yaxis3;
    for (let place = data.length - 1; place >= 0; place--) if (inStrip(data[place])) data.splice(place, 1);
    return;
  }
  /** @type {AxisLayout} */ (layout.yaxis3).domain = [0, STRIP];
  layout.yaxis.domain = [STRIP + GAP, 1];
  if (layout.yaxis2) layout.yaxis2.domain = [STRIP + GAP, 1];
  layout.xaxis.anchor = "y3";
  layout.annotations = [
    ...(layout.annotations ?? []),
    { ...WORDS, font: { size: layout.font.size, color: context.view.palette.muted } },
  ];
}
