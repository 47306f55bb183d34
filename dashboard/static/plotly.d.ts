// The few functions of plotly.js that are called here, and what they take, as far as it is read or changed.

import type { Meta } from "./figures.d.ts";

export interface Plotly {
  react(plot: PlotElement, data: Trace[], layout: Layout, config: object): Promise<void>;
  purge(plot: PlotElement): void;
  restyle(plot: PlotElement, update: object, traces: number[]): Promise<void>;
  Plots: { resize(plot: PlotElement): Promise<void> };
}

declare global {
  interface Window {
    Plotly: Plotly;
  }
}

/** An element that a figure is drawn in; what begins with _ is there once it was drawn. */
export interface PlotElement extends HTMLDivElement {
  on(event: "plotly_hover" | "plotly_click", listener: (event: Pointed) => void): void;
  on(event: "plotly_unhover" | "plotly_relayout", listener: () => void): void;
  removeAllListeners?(event: string): void;
  data?: Trace[];
  layout?: Layout;
  _fullData?: FullTrace[];
  calcdata?: object[];
  _fullLayout?: {
    width?: number;
    height?: number;
    _plots?: Record<string, Subplot>;
    _rehover?: () => void;
    _basePlotModules?: { name: string; plot(plot: PlotElement): void }[];
    yaxis2?: AxisLayout & { l2p(value: number): number; _offset: number };
  };
}

/** A trace as plotly keeps it, with what it computes of its points before it draws them. */
export interface FullTrace extends Trace {
  _module: { calc(plot: PlotElement, trace: FullTrace): { t?: object; trace?: FullTrace; ht?: string }[] };
  _length?: number;
  _extremes?: object;
}

/** Where the reader points: the place on the x axis, and what a trace says of it. */
export interface Pointed {
  points: { x: number; customdata?: unknown; pointNumber?: unknown }[];
  event: { timeStamp: number };
}

/** One pair of axes as drawn: offsets and lengths in pixels, l2p from a value to pixels. */
export interface Subplot {
  xaxis: { l2p(value: number): number; _offset: number; _length: number };
  yaxis: { _offset: number; _length: number };
  mainplot?: string; // of which this pair is an overlay
}

export interface Font {
  size: number;
  color?: string;
  shadow?: string;
}

/** One axis of a layout. */
export interface AxisLayout {
  type?: string;
  domain?: [number, number];
  title: { text?: string; font?: Font };
  tickfont: Font;
  dtick?: number | string;
  tickvals?: number[];
  ticktext?: string[];
  nticks?: number;
  [attribute: string]: unknown;
}

export interface Layout {
  font: Font & { family?: string };
  margin: { l: number; r: number; t: number; b: number };
  hoverlabel: { bgcolor: string };
  xaxis: AxisLayout;
  yaxis: AxisLayout;
  yaxis2?: AxisLayout;
  annotations?: Annotation[];
  shapes?: Shape[];
  coloraxis?: {
    cmin?: number;
    cmax?: number;
    showscale?: boolean;
    colorbar?: object;
    [attribute: string]: unknown;
  };
  meta?: { decades?: number; columns?: number }; // that the y axis shows at least; of maps
  uirevision?: string;
  [attribute: string]: unknown;
}

/** A text in a figure, at x and y of its axes or of the paper, whose sides are 1. */
export interface Annotation {
  text: string;
  x: number;
  y: number;
  xref?: string;
  yref?: string;
  xanchor?: string;
  yanchor?: string;
  xshift?: number;
  yshift?: number;
  textangle?: number;
  showarrow: boolean;
  opacity?: number;
  font: Partial<Font>;
}

export interface Shape {
  type: "line";
  x0: number;
  x1: number;
  y0: number;
  y1: number;
  yref: "paper";
  line: { color: string; width: number; dash: string };
}

/** A curve or map. */
export interface Trace {
  type: string;
  meta?: Meta;
  visible?: boolean;
  mode?: string;
  name?: string;
  xaxis?: string;
  yaxis?: string;
  x?: Axis;
  y?: Axis;
  z?: (number | null)[][];
  line?: { color?: string; dash?: string; width?: number };
  marker?: { size?: number; [attribute: string]: unknown };
  [attribute: string]: unknown;
}

export type Axis = (number | string | null)[];
