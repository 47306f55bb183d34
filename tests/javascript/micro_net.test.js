// The microscope's arithmetic: against differences of the loss, and each sum of products against the gradient that it makes.

import assert from "node:assert/strict";
import test from "node:test";
import { MICRO_CELLS } from "../../dashboard/static/micro_cells.js";
import {
  compute,
  descend,
  gradNorm,
  MOST_STEPS,
  MOST_UNITS,
  measured,
  profile,
} from "../../dashboard/static/micro_net.js";
import { height } from "../../dashboard/static/micro_profile.js";
import { firstOf, numbers, STARTS, sized, started } from "../../dashboard/static/micro_starts.js";
import { shade } from "../../dashboard/static/micro_unrolled.js";
import { shares } from "../../dashboard/static/micro_weights.js";
import { digits, formula, inShort, passing, says, story } from "../../dashboard/static/micro_words.js";
import { arrivals } from "../../dashboard/static/tape.js";

const SEEDS = Array.from({ length: 40 }, (_, place) => place + 1);

/** @param {number} seed */
function drawn(seed) {
  const random = numbers(seed);
  const whole = (/** @type {number} */ most) => 1 + Math.floor(((random() + 1) / 2.001) * most);
  const cells = Object.keys(MICRO_CELLS);
  const [hidden, steps, size] = [whole(MOST_UNITS), 1 + whole(MOST_STEPS - 1), whole(2)];
  const rows = (/** @type {number} */ width) =>
    Array.from({ length: steps }, () => Array.from({ length: width }, () => random()));
  return sized(cells[seed % cells.length], hidden, "tanh", seed % 2 === 0, rows(size), rows(whole(2)), random);
}

test("every gradient is the measured change of the loss", () => {
  for (const seed of SEEDS) {
    const net = drawn(seed);
    const tape = compute(net);
    for (const { name, t, grad } of tape.values) {
      if (name === "loss" || t === 0) continue;
      for (const [unit, slope] of grad.entries()) {
        const found = measured(net, { name, t, unit });
        assert.ok(
          Math.abs(found - slope) < 1e-8 * (1 + Math.abs(slope)),
          `${net.cell} ${name} ${t}: ${slope} ${found}`,
        );
      }
    }
  }
});

test("the products that are shown sum to the gradient", () => {
  for (const seed of SEEDS) {
    const net = drawn(seed);
    const tape = compute(net);
    for (const value of tape.values) {
      if (value.name === "loss") continue;
      for (const [unit, slope] of value.grad.entries()) {
        const sum = arrivals(value, unit).reduce((all, { arriving, local }) => all + arriving * local, 0);
        assert.ok(Math.abs(sum - slope) <= 1e-12 * (1 + Math.abs(slope)));
      }
    }
  }
});

test("a gradient goes one step back by the product of all ways between two states", () => {
  for (const seed of SEEDS) {
    const net = { ...drawn(seed), every: false };
    if (MICRO_CELLS[net.cell].states.length > 1) continue; // the other state is a way of its own
    const tape = compute(net);
    for (let t = 2; t <= net.inputs.length; t++) {
      const [of, by] = [tape.find("h", t), tape.find("h", t - 1)];
      assert.ok(of && by);
      const rows = tape.jacobian(of, by);
      for (const [unit, slope] of by.grad.entries()) {
        const sum = rows.reduce((all, row, to) => all + row[unit] * of.grad[to], 0);
        assert.ok(Math.abs(sum - slope) <= 1e-12 * (1 + Math.abs(slope)));
      }
    }
  }
});

test("the lines tell how a state changes with the one before it, as a small change of that one does", () => {
  for (const seed of SEEDS) {
    const net = drawn(seed);
    const tape = compute(net);
    for (const name of MICRO_CELLS[net.cell].states) {
      for (let t = 2; t <= net.inputs.length; t++) {
        const [of, by] = [tape.find(name, t), tape.find(name, t - 1)];
        assert.ok(of && by);
        const rows = tape.jacobian(of, by);
        // A change of c changes h of the same timestep too, which is a way of its own.
        const [h, before] = name === "c" ? [tape.find("h", t - 1), by] : [];
        const along = h && before ? tape.jacobian(h, before) : null;
        const through = h ? tape.jacobian(of, h) : null;
        for (let unit = 0; unit < net.hidden; unit++) {
          const ends = [1e-5, -1e-5].map((each) => compute(net, { name, t: t - 1, unit, by: each }).find(name, t));
          for (let row = 0; row < net.hidden; row++) {
            const found = ((ends[0]?.data[row] ?? NaN) - (ends[1]?.data[row] ?? NaN)) / 2e-5;
            const rest = along && through ? along.reduce((sum, line, at) => sum + through[row][at] * line[unit], 0) : 0;
            const slope = rows[row][unit] + rest;
            assert.ok(Math.abs(found - slope) < 1e-8 * (1 + Math.abs(slope)), `${net.cell} ${name}: ${slope} ${found}`);
          }
        }
      }
    }
  }
});

test("between two cell states the way through the forget gate alone is the gate itself", () => {
  const net = started(STARTS.kept);
  for (const name of ["i", "f", "g", "o"]) net.weights[`Wh_${name}`].data.fill(0);
  const tape = compute(net);
  for (let t = 2; t <= net.inputs.length; t++) {
    const [of, by, gate] = [tape.find("c", t), tape.find("c", t - 1), tape.find("f", t)];
    assert.ok(of && by && gate);
    for (const [row, slopes] of tape.jacobian(of, by).entries())
      for (const [column, slope] of slopes.entries()) assert.equal(slope, row === column ? gate.data[row] : 0);
  }
});

test("the networks to start from do what their titles say, whatever their other numbers are", () => {
  for (const seed of SEEDS) {
    const fall = (/** @type {string} */ key, state = "h") => {
      const norms = profile(compute(started(STARTS[key], seed)), STARTS[key].steps, state);
      return norms[0] / norms[norms.length - 1];
    };
    assert.ok(fall("vanishing") < 0.01);
    assert.ok(fall("exploding") > 10);
    assert.ok(fall("kept", "c") > 0.7);
    assert.ok(fall("forgotten", "c") < 0.01);
    assert.ok(fall("passed") > 0.8);
  }
});

test("a gradient is drawn stronger where it is larger, the largest most, none not at all", () => {
  const sizes = [0, 1e-9, 1e-3, 0.02, 0.5, 3];
  const shades = sizes.map((size) => shade(size, 3));
  assert.deepEqual(
    shades,
    shades.toSorted((one, other) => one - other),
  );
  assert.deepEqual([shades[0], shades[5], shade(-3, 3), shade(NaN, 3), shade(1, 0)], [0, 1, 1, 0, 0]);
  assert.ok(shades[2] < shades[3] && shades[3] < shades[4] && shades[1] > 0);
});

test("it begins with the network that is named, else with one of the cell, where it has one", () => {
  assert.equal(firstOf("forgotten", "gru"), "forgotten");
  for (const cell of Object.keys(MICRO_CELLS)) assert.equal(STARTS[firstOf("", cell)].cell, cell);
  for (const start of ["", "none", "constructor"]) assert.equal(firstOf(start, "lru"), "vanishing");
});

test("what is said of a profile follows from it", () => {
  assert.match(story({ h: [0.01, 1, 1] }), /^From t = 3 back to t = 1 .* shrinks from 1 to 0.01: it vanishes\.$/);
  assert.match(story({ c: [50, 1] }), /cell state grows from 1 to 50: it explodes\.$/);
  assert.match(story({ h: [0.5, 1] }), /neither vanishes nor explodes\.$/);
  assert.match(story({ h: [0, 1] }), /shrinks from 1 to 0: it vanishes\.$/);
  assert.match(story({ h: [0, 1], c: [1, 1] }), /it vanishes\. That by the cell state goes from 1 to 1: it neither /);
  for (const h of [
    [0, 0],
    [NaN, 1],
    [Infinity, 1],
    [1, 0],
  ])
    assert.match(story({ h }), / goes from (0|1) to (0|1|NaN|∞)\.$/); // no word on what has no ratio
});

test("what is said of a moment is where its numbers come from", () => {
  for (const seed of SEEDS) {
    const net = drawn(seed);
    const T = net.inputs.length;
    const tape = compute(net);
    for (const value of tape.values.filter(({ t }) => t > 0)) {
      for (const { source } of value.edges) assert.ok(source.t === value.t || source.t === value.t - 1);
      for (const use of value.uses) assert.ok(use.t === value.t || use.t === value.t + 1);
    }
    for (let t = 1; t <= T; t++) {
      assert.equal(Boolean(tape.find("loss", t)), t === T || net.every);
      const [forward, back] = [passing(t, T, net.every), passing(2 * T - t + 1, T, net.every)];
      assert.ok(forward.startsWith(`Forward, t = ${t} of ${T}: `) && back.startsWith(`Back, t = ${t}: `));
      assert.equal(forward.includes(`the states at t = ${t - 1}`), t > 1);
      assert.equal(back.includes(`from t = ${t + 1}`), t < T);
      assert.equal(back.includes("from the loss"), t === T || net.every);
    }
  }
  assert.equal(passing(0, 6, false), "Before the first timestep: all states are 0.");
  assert.ok(compute(drawn(1)).values.every(({ t, data }) => t > 0 || data.every((each) => each === 0)));
});

test("a step of training goes down, and no further than the threshold says", () => {
  for (const seed of SEEDS) {
    const net = drawn(seed);
    const before = compute(net).total();
    const weights = Object.values(net.weights).map(({ data }) => data.slice());
    descend(net, 1e-3, 0.01);
    const moved = Object.values(net.weights).map(({ data }, place) =>
      Math.hypot(...data.map((each, at) => each - weights[place][at])),
    );
    assert.ok(Math.hypot(...moved) <= 1e-5 * (1 + 1e-9));
    assert.ok(compute(net).total() <= before);
  }
});

test("the shares of a weight's gradient are told for every timestep", () => {
  const net = started(STARTS.vanishing);
  const tape = compute(net);
  assert.ok(gradNorm(net) > 0);
  for (const matrix of Object.values(net.weights)) {
    const text = shares(matrix, 0, tape);
    const terms = [...text.matchAll(/([+−] )?(−?[\d.e−]+) \(t = /g)].map(
      ([, sign = "", each]) => (sign === "− " ? -1 : 1) * Number(each.replaceAll("−", "-")),
    );
    assert.equal(terms.length, matrix.name === "Wy" || matrix.name === "by" ? 1 : net.inputs.length);
    const sum = terms.reduce((all, each) => all + each, 0);
    assert.ok(Math.abs(sum - matrix.grad[0]) <= 2e-3 * terms.reduce((all, each) => all + Math.abs(each), 1e-9));
  }
});

test("a formula has the numbers that it was computed from", () => {
  const net = started(STARTS.kept);
  const tape = compute(net);
  for (const value of tape.values) {
    if (value.name === "loss" || value.op === "given") continue;
    const [left, right] = formula(value, 0).split(" = ");
    const number = (/** @type {string} */ text) => Number(text.replaceAll("−", "-").replace(/[()]/g, ""));
    assert.ok(Math.abs(number(right) - value.data[0]) <= 1e-3 * (1 + Math.abs(value.data[0])));
    const script = left.replaceAll("−", "-").replaceAll("×", "*").replace("tanh", "Math.tanh");
    const sigmoid = (/** @type {number} */ x) => 1 / (1 + Math.exp(-x));
    const found = new Function("sigmoid", `return ${script}`)(sigmoid);
    assert.ok(Math.abs(found - value.data[0]) <= 2e-3 * (1 + Math.abs(value.data[0])), `${value.name}: ${left}`);
  }
});

test("in a line stand the products of a gradient, or how many they are", () => {
  for (const seed of SEEDS) {
    const net = drawn(seed);
    for (const value of compute(net).values) {
      if (value.name === "loss") continue;
      for (const [unit, slope] of value.grad.entries()) {
        const told = inShort(net.cell, value, unit, true, true);
        assert.ok(told.includes(` = ${formula(value, unit)}, ∂L/∂`));
        assert.ok(told.endsWith(` = ${digits(slope)}`));
        const all = arrivals(value, unit).length;
        const sum = told.split("∂L/∂")[1].split(" = ").slice(1, -1).join("");
        if (all > 3) assert.equal(sum, `the sum of ${all} products`);
        else if (all) {
          const found = new Function(`return ${sum.replaceAll("−", "-").replaceAll("×", "*")}`)();
          assert.ok(Math.abs(found - slope) <= 3e-3 * (1 + Math.abs(slope)), told);
        } else assert.equal(slope, 0);
        assert.ok(!inShort(net.cell, value, unit, true, false).includes("∂"));
        assert.match(inShort(net.cell, value, unit, false, false), / is not computed yet\.$/);
      }
    }
  }
});

test("every value of a cell has its place in the picture", () => {
  for (const [cell, { places, states }] of Object.entries(MICRO_CELLS)) {
    const net = sized(cell, 2, "tanh", true, [[1], [0]], [[1], [1]], numbers(1));
    const names = new Set(compute(net).values.map(({ name }) => name));
    assert.deepEqual(
      [...names].filter((name) => !["x", "y", "loss"].includes(name)).sort(),
      places.map(({ name }) => name).sort(),
    ); // prettier-ignore
    assert.equal(new Set(places.map(({ at }) => at.join())).size, places.length);
    for (const name of states) assert.equal(says(cell, name), name);
  }
});

test("numbers are short", () => {
  const written = [0, -0.5, 1e-7, 123456, NaN, Infinity, 0.123456].map(digits);
  assert.deepEqual(written, ["0", "−0.5", "1.00e−7", "1.23e5", "NaN", "∞", "0.1235"]);
});

test("half the norm is half as high, so that what vanishes is seen to vanish", () => {
  assert.deepEqual(
    [2, 1, 0.02, 0].map((norm) => height(norm, [0, 0.02, 1, 2])),
    [1, 0.5, 0.01, 0],
  );
  assert.deepEqual([height(0, [0, 0]), height(Infinity, [1, Infinity]), height(1, [1, Infinity])], [0, 1, 0]);
  assert.deepEqual([height(NaN, [1, NaN]), height(1, [1, NaN])], [1, 0]);
});
