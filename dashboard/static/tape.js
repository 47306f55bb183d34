// Values that remember what they were computed from, so that every number can be followed forward and back.

/** Numbers in rows that values are multiplied by. A bias is one of a single column. */
export class Matrix {
  /**
   * @param {string} name
   * @param {number} rows
   * @param {number} columns
   * @param {ArrayLike<number>} data row by row
   */
  constructor(name, rows, columns, data) {
    this.name = name;
    this.rows = rows;
    this.columns = columns;
    this.data = Float64Array.from(data);
    this.grad = new Float64Array(rows * columns); // dL/d(each number), after Tape.back
  }
}

/**
 * Where a value comes from. slope: how each element changes with the same element of the source; or matrix: by which
 * the source is multiplied.
 * @typedef {{ source: Value, slope: Float64Array } | { source: Value, matrix: Matrix }} Edge
 */

/** A vector that was computed, and the gradient of the loss by it. */
export class Value {
  /** @type {Value[]} */ uses = []; // what was computed from it

  /**
   * @param {string} name
   * @param {number} t timestep, from 1
   * @param {Float64Array} data
   * @param {string} op what was done: "given", "affine", "times", "plus", "loss", or a key of SQUASHED
   * @param {Edge[]} edges
   * @param {Matrix[]} biases that are added to it
   */
  constructor(name, t, data, op, edges, biases = []) {
    this.name = name;
    this.t = t;
    this.op = op;
    this.data = data;
    this.edges = edges;
    this.biases = biases;
    this.grad = new Float64Array(data.length); // dL/d(each element), after Tape.back
    for (const { source } of edges) if (!source.uses.includes(this)) source.uses.push(this);
  }
}

/** One value moved a little before anything is computed from it, to see what the loss does. */
/** @typedef {{ name: string, t: number, unit: number, by: number }} Nudge */

/** @type {Record<string, [(x: number) => number, (y: number) => number]>} what it does, and its slope at result y */
const SQUASHED = {
  tanh: [Math.tanh, (y) => 1 - y * y],
  relu: [(x) => Math.max(x, 0), (y) => (y > 0 ? 1 : 0)],
  sigmoid: [(x) => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x))), (y) => y * (1 - y)],
  "1 −": [(x) => 1 - x, () => -1],
};

export class Tape {
  /** @type {Value[]} in the order in which they were computed */ values = [];
  /** @type {Map<string, Value>} */ byName = new Map();
  t = 0;

  /** @param {Nudge | null} nudge */
  constructor(nudge = null) {
    this.nudge = nudge;
  }

  /**
   * @param {string} name
   * @param {ArrayLike<number>} data
   */
  given(name, data) {
    return this.add(name, Float64Array.from(data), "given", []);
  }

  /**
   * The sum of some sources, each multiplied by a matrix, and of biases.
   * @param {string} name
   * @param {[Matrix, Value][]} products
   * @param {Matrix[]} biases
   */
  affine(name, products, biases) {
    const data = new Float64Array(products[0][0].rows);
    for (const bias of biases) for (let row = 0; row < data.length; row++) data[row] += bias.data[row];
    for (const [matrix, source] of products) {
      for (let row = 0, place = 0; row < matrix.rows; row++)
        for (let column = 0; column < matrix.columns; column++) data[row] += matrix.data[place++] * source.data[column];
    }
    const edges = products.map(([matrix, source]) => ({ source, matrix }));
    return this.add(name, data, "affine", edges, biases);
  }

  /**
   * @param {string} name
   * @param {string} kind one of SQUASHED
   * @param {Value} source
   */
  apply(name, kind, source) {
    const [does, slope] = SQUASHED[kind];
    const data = source.data.map(does);
    return this.add(name, data, kind, [{ source, slope: data.map(slope) }]);
  }

  /**
   * @param {string} name
   * @param {Value} first
   * @param {Value} second
   */
  times(name, first, second) {
    const edges = [
      { source: first, slope: second.data },
      { source: second, slope: first.data },
    ];
    return this.add(
      name,
      first.data.map((each, place) => each * second.data[place]),
      "times",
      edges,
    );
  }

  /**
   * @param {string} name
   * @param {Value} first
   * @param {Value} second
   */
  plus(name, first, second) {
    const slope = new Float64Array(first.data.length).fill(1);
    const sum = first.data.map((each, place) => each + second.data[place]);
    return this.add(name, sum, "plus", [
      { source: first, slope },
      { source: second, slope },
    ]);
  }

  /**
   * A part of the loss: a number, and its slopes by the elements of one value.
   * @param {number} loss
   * @param {Value} source
   * @param {ArrayLike<number>} slopes
   */
  loss(loss, source, slopes) {
    const matrix = new Matrix("slopes", 1, slopes.length, slopes);
    return this.add("loss", Float64Array.of(loss), "loss", [{ source, matrix }]);
  }

  /**
   * @param {string} name
   * @param {Float64Array} data
   * @param {string} op
   * @param {Edge[]} edges
   * @param {Matrix[]} biases
   */
  add(name, data, op, edges, biases = []) {
    if (this.nudge?.name === name && this.nudge.t === this.t) data[this.nudge.unit] += this.nudge.by;
    const value = new Value(name, this.t, data, op, edges, biases);
    this.values.push(value);
    this.byName.set(`${name} ${this.t}`, value);
    return value;
  }

  /**
   * The value of this name at a timestep.
   * @param {string} name
   * @param {number} t
   */
  find(name, t) {
    return this.byName.get(`${name} ${t}`);
  }

  /** The sum of all parts of the loss. */
  total() {
    return this.values.reduce((sum, value) => (value.name === "loss" ? sum + value.data[0] : sum), 0);
  }

  /**
   * How the elements of one value (rows) change with those of an earlier one (columns), along all ways that stay within
   * the timestep of the first.
   * @param {Value} of
   * @param {Value} by
   */
  jacobian(of, by) {
    return [...of.data.keys()].map((row) => {
      const slopes = new Map([[of, new Float64Array(of.data.length)]]);
      const own = /** @type {Float64Array} */ (slopes.get(of));
      own[row] = 1;
      for (const value of this.values.toReversed()) {
        const arrived = slopes.get(value);
        if (!arrived || value === by || value.t !== of.t) continue;
        for (const edge of value.edges) {
          const at = slopes.get(edge.source) ?? new Float64Array(edge.source.data.length);
          slopes.set(edge.source, at);
          for (const [to, slope] of arrived.entries())
            for (const from of at.keys()) at[from] += slope * local(edge, to, from);
        }
      }
      return slopes.get(by) ?? new Float64Array(by.data.length);
    });
  }

  /** Go back from the loss: each gradient is the sum of what arrives along every use, product by product. */
  back() {
    for (const value of this.values) {
      value.grad.fill(value.name === "loss" ? 1 : 0);
      for (const edge of value.edges) if ("matrix" in edge) edge.matrix.grad.fill(0);
      for (const bias of value.biases) bias.grad.fill(0);
    }
    for (const { data, grad, edges, biases } of this.values.toReversed()) {
      for (const bias of biases) for (let row = 0; row < data.length; row++) bias.grad[row] += grad[row];
      for (const edge of edges) {
        const { source } = edge;
        if ("slope" in edge) {
          for (let row = 0; row < data.length; row++) source.grad[row] += grad[row] * edge.slope[row];
          continue;
        }
        const { matrix } = edge;
        for (let row = 0, place = 0; row < matrix.rows; row++)
          for (let column = 0; column < matrix.columns; column++, place++) {
            source.grad[column] += grad[row] * matrix.data[place];
            matrix.grad[place] += grad[row] * source.data[column];
          }
      }
    }
  }
}

/**
 * What one element adds to another that is computed from it: how the second changes with the first.
 * @param {Edge} edge
 * @param {number} to element of the result
 * @param {number} from element of the source
 */
export function local(edge, to, from) {
  if ("matrix" in edge) return edge.matrix.data[to * edge.matrix.columns + from];
  return to === from ? edge.slope[to] : 0;
}

/** One product on the way back: the gradient by an element of a use, times how that changes with the element here. */
/** @typedef {{ use: Value, unit: number, arriving: number, local: number }} Arrival */

/**
 * All products whose sum is the gradient by one element.
 * @param {Value} value
 * @param {number} unit
 * @returns {Arrival[]}
 */
export function arrivals(value, unit) {
  return value.uses.flatMap((use) =>
    use.edges
      .filter(({ source }) => source === value)
      .flatMap((edge) =>
        [...use.grad]
          .map((arriving, to) => ({ use, unit: to, arriving, local: local(edge, to, unit) }))
          .filter(({ unit: to }) => "matrix" in edge || to === unit),
      ),
  );
}
