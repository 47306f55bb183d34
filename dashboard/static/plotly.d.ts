// The few functions of plotly.js that are called here, and what they take, as far as it is read or changed.

import type { Trace } from "./types.d.ts";

export interface Plotly {
  react(plot: PlotElement, data: Trace[], layout: Layout, config: object): Promise<void>;
  purge(plot: PlotElement): void;
  Plots: { resize(plot: PlotElement): Promise<void> };
}

declare global {
  interface Window {
    Plotly: Plotly;
  }
}

/** An element that a figure is drawn in; what begins with _ is there once it was drawn. */
export interface PlotElement extends HTMLDivElement {
  on?(event: "plotly_hover" | "plotly_click", listener: (event: PointEvent) => void): void;
  on?(event: "plotly_unhover" | "plotly_relayout", listener: () => void): void;
  _fullLayout?: { _plots?: Record<string, Subplot> };
}

export interface PointEvent {
  points: { x: number; customdata?: unknown }[];
}

/** One pair of axes as drawn: offsets and lengths in pixels, l2p from a value to pixels. */
export interface Subplot {
  xaxis: { l2p(value: number): number; _offset: number; _length: number };
  yaxis: { _offset: number; _length: number };
}

export interface Font {
  size: number;
  color?: string;
  shadow?: string;
}

/** One axis of a layout. */
export interface AxisLayout {
  type?: "log" | "linear" | "category";
  title: { text?: string; font?: Font };
  tickfont: Font;
  dtick?: string | number;
  automargin?: boolean;
  showticklabels?: boolean;
  ticks?: string;
  showgrid?: boolean;
  range?: [number, number];
  autorange?: boolean;
}

export interface Annotation {
  text: string;
  x: number;
  y: number;
  xref?: string;
  yref?: string;
  xanchor?: string;
  yanchor?: string;
  showarrow?: boolean;
  opacity?: number;
  font?: Font;
}

export interface Shape {
  type: string;
  x0: number;
  x1: number;
  y0: number;
  y1: number;
  yref?: string;
  line: { color: string; width: number; dash: string };
}

export interface Layout {
  xaxis: AxisLayout;
  yaxis: AxisLayout;
  font: Font & { family?: string };
  margin: { l: number; r: number; t: number; b: number };
  hoverlabel: { bgcolor: string };
  annotations?: Annotation[];
  shapes?: Shape[];
  coloraxis?: { cmin?: number; cmax?: number; showscale?: boolean };
  showlegend?: boolean;
  uirevision?: string;
  transition?: { duration: number };
  title?: object;
  height?: number;
  [axis: `xaxis${number}` | `yaxis${number}`]: AxisLayout;
}
