// The data's own metric in words.

import assert from "node:assert/strict";
import test from "node:test";
import { metricName, told } from "../../dashboard/static/metric.js";

/** @import { Info } from "../../dashboard/static/types.d.ts" */

/** @param {Partial<Info>} given */
const info = (given) => ({ baselines: [], metric: null, ...given });

test("a share of wrong answers is told as accuracy, in per cent", () => {
  const words = { name: "accuracy", percent: true, complement: true };
  assert.equal(told(info({ metric: "error rate", metric_words: words }), 0.025), "accuracy 97.5 %");
});

test("an error is told in the data's own units, or those of the target where nobody named them", () => {
  const words = { name: "RMSE, original units", percent: false, complement: false };
  const answers = { name: "temp_max", mean: 10, std: 2, unit: "degrees Celsius", axis: "date", places: [] };
  const weather = info({ metric: "any", metric_words: words, answers });
  assert.equal(told(weather, 3.214), "RMSE 3.21 degrees Celsius");
  assert.equal(metricName(weather), "RMSE, degrees Celsius");
  const sales = info({ metric: "any", metric_words: words, answers: { ...answers, name: "sales", unit: "" } });
  assert.equal(told(sales, 3.214), "RMSE 3.21 in units of sales");
});

test("of a run recorded before there were words, the metric's own name; without a value nothing", () => {
  assert.equal(told(info({ metric: "error rate" }), 0.5), "error rate 0.5");
  assert.equal(told(info({ metric: "error rate" }), undefined), "");
  assert.equal(told(info({ metric: "error rate" }), NaN), "");
  assert.equal(told(null, 1), "");
});
