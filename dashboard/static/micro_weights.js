// The weights, which all timesteps share: numbers to drag, each with its gradient and what every timestep adds to it.

import { element } from "./dom.js";
import { MICRO_CELLS } from "./micro_cells.js";
import { liveText, Parts } from "./micro_live.js";
import { NumberField } from "./micro_number.js";
import { below, digits } from "./micro_words.js";

/** @import { OnScreen } from "./micro_live.js" */
/** @import { Net } from "./micro_net.js" */
/** @import { Matrix, Tape } from "./tape.js" */

export class Weights {
  /** @type {{ matrix: string, place: number } | null} */ chosen = null;
  shape = "";

  /**
   * @param {(matrix: string, place: number, value: number) => void} changed
   * @param {() => void} turned when the reader turns to another number
   * @param {OnScreen} screen
   */
  constructor(changed, turned, screen) {
    /** @type {Parts<{ net: Net, arrived: boolean }>} */ this.parts = new Parts(screen);
    this.changed = changed;
    this.turned = turned;
    this.root = element("section", "rgl-micro-weights");
    this.tables = element("div", "rgl-micro-tables");
    const sum = element("p", "rgl-micro-formula");
    this.sum = liveText(sum);
    const help = element("p", "rgl-micro-legend", "Drag one sideways; below it is the gradient of the loss by it.");
    this.root.append(element("h2", "", "Weights"), help, this.tables, sum);
  }

  /** Bring the weights into view, ready to be typed. */
  lead() {
    this.root.scrollIntoView({ block: "nearest" });
    this.tables.querySelector("input")?.focus({ preventScroll: true });
  }

  /** @param {Net} net */
  build(net) {
    this.parts.clear();
    this.chosen = null;
    const { blocks, parts } = MICRO_CELLS[net.cell];
    const tables = blocks.map(([block, title]) =>
      this.table(
        title,
        net,
        parts.filter((part) => part.block === block).map(({ name }) => name),
      ),
    );
    this.tables.replaceChildren(...tables, this.table("answer", net, ["Wy", "by"]));
  }

  /**
   * @param {string} title
   * @param {Net} net
   * @param {string[]} names of matrices side by side
   */
  table(title, net, names) {
    const table = element("table");
    table.createCaption().textContent = title;
    const head = table.createTHead().insertRow();
    head.append(element("td"));
    const body = table.createTBody();
    for (const name of names) {
      for (let column = 0; column < net.weights[name].columns; column++) {
        head.append(element("th", "", columnTitle(name, column, net.weights[name].columns)));
      }
    }
    for (let row = 0; row < net.weights[names[0]].rows; row++) {
      const line = body.insertRow();
      line.append(element("th", "", names[0] === "Wy" ? "y" : `unit ${row + 1}`));
      for (const name of names) {
        const { columns } = net.weights[name];
        for (let column = 0; column < columns; column++) {
          const place = row * columns + column;
          const label = `${title}, ${names[0] === "Wy" ? "y" : `unit ${row + 1}`}, ${columnTitle(name, column, columns)}`;
          const field = new NumberField(
            label,
            (value) => {
              this.changed(name, place, value);
            },
            () => {
              this.chosen = { matrix: name, place };
              this.turned();
            },
          );
          const grad = element("small");
          grad.title = "gradient of the loss by this weight";
          line.insertCell().append(field.input, grad);
          const slope = liveText(grad);
          this.parts.add(table, ({ net: { weights }, arrived }) => {
            field.show(weights[name].data[place]);
            slope(arrived ? digits(weights[name].grad[place]) : "");
          });
        }
      }
    }
    return table;
  }

  /**
   * @param {Net} net
   * @param {Tape} tape
   * @param {boolean} arrived whether the way back is over
   * @param {boolean} all also what is not on the screen
   */
  show(net, tape, arrived, all) {
    const shape = `${net.cell} ${net.hidden}`;
    if (shape !== this.shape) this.build(net);
    this.shape = shape;
    this.parts.show({ net, arrived }, all);
    this.sum(this.chosen && arrived ? shares(net.weights[this.chosen.matrix], this.chosen.place, tape) : "");
  }
}

/**
 * What each timestep adds to the gradient of a weight: that by what it is added to, times what it multiplies.
 * @param {Matrix} matrix
 * @param {number} place
 * @param {Tape} tape
 */
export function shares(matrix, place, tape) {
  const [row, column] = [Math.floor(place / matrix.columns), place % matrix.columns];
  const terms = tape.values.flatMap((value) => {
    const edge = value.edges.find((each) => "matrix" in each && each.matrix === matrix);
    const factor = edge ? edge.source.data[column] : value.biases.includes(matrix) ? 1 : null;
    return factor === null ? [] : [{ t: value.t, share: value.grad[row] * factor }];
  });
  const sum = terms.map(({ t, share }, at) => {
    const sign = share < 0 ? "− " : "+ ";
    return `${at ? sign : ""}${digits(at ? Math.abs(share) : share)} (t = ${t})`;
  });
  return `∂L/∂ this weight = ${sum.join(" ")} = ${digits(matrix.grad[place])}`;
}

/**
 * @param {string} name
 * @param {number} column
 * @param {number} columns
 */
function columnTitle(name, column, columns) {
  if (name === "b_hn") return "bias of W h";
  if (name.startsWith("b")) return "bias";
  const letter = name.startsWith("Wx") ? "x" : "h";
  return columns > 1 || letter === "h" ? letter + below(column) : letter;
}
