// The data's own metric as it is told: accuracy in per cent, an error in the data's own units.

import { number } from "./dom.js";

/** @import { Info } from "./types.d.ts" */

/**
 * What is told of a value of the metric: of a share of wrong answers that of the right ones.
 * @param {Info | null | undefined} info
 * @param {number} value
 */
export function toldValue(info, value) {
  return info?.metric_words?.complement ? 1 - value : value;
}

/**
 * The metric's name, with the unit where there is one; "" where the data have no metric.
 * @param {Info | null | undefined} info
 */
export function metricName(info) {
  const name = info?.metric_words?.name ?? info?.metric ?? "";
  const { name: target, unit } = info?.answers ?? {};
  return target ? name.replace("original units", unit || `units of ${target}`) : name;
}

/** @param {Info | null | undefined} info */
export const isPercent = (info) => info?.metric_words?.percent ?? false;

/**
 * "accuracy 97.5 %", "RMSE, units of sales: 3.21"; "" where there is nothing to tell.
 * @param {Info | null | undefined} info
 * @param {number | undefined} value
 */
export function told(info, value) {
  const name = metricName(info);
  if (!name || value === undefined || !Number.isFinite(value)) return "";
  if (isPercent(info)) return `${name} ${(100 * toldValue(info, value)).toFixed(1)} %`;
  const [words, unit] = name.split(", ");
  return unit
    ? `${words} ${number(value)} ${unit.startsWith("units") ? `in ${unit}` : unit}`
    : `${name} ${number(value)}`;
}
