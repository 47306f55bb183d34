// Which axis gradients through time are drawn over: timesteps, or the lag from each sequence's own end.

/** @import { Context } from "./figures.d.ts" */

export const LAG = "lag T − t (0: the last timestep)";
export const OWN_LAG = "steps before the end of each sequence";

/**
 * Whether a run on the board has sequences of unequal length: a timestep t is then nowhere near the same distance from
 * the loss in all of them.
 * @param {Context} context
 */
export const ragged = ({ runs }) => runs.some(({ series }) => series.ragged);

/**
 * Whether the x axis counts back from the loss: by the reader's choice, or because of the data.
 * @param {Context} context
 */
export const overLag = (context) => Boolean(context.options.lag) || ragged(context);
