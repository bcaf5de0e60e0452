/** One metric's chart: min-max band, smoothed line, events, checkpoints and superseded points, on uPlot. */

import uPlot from "uplot";
import { type Columns, lowerBound, minMax, smooth } from "./decimate";
import { h, say, set } from "./dom";
import { metric, plural, whole } from "./format";
import type { Checkpoint, RunEvent } from "./messages";
import type { Track } from "./points";
import { type Palette, palette } from "./theme";

/** Beyond this many points in sight, min-max buckets one pixel wide stand for them. */
const MOST_POINTS = 4000;
/** Too few points for an average to mean anything. */
const FEWEST_TO_SMOOTH = 20;

export type Zoom = readonly [number, number] | null;

export interface Look {
  smoothing: number;
  log: boolean;
  zoom: Zoom;
}

export interface Marks {
  events: readonly RunEvent[];
  checkpoints: readonly Checkpoint[];
}

const NONE: Marks = { events: [], checkpoints: [] };

export class Chart {
  readonly element: HTMLElement;
  private readonly value = h("span", { class: "mc-chart-value" });
  private readonly note = h("span", { class: "mc-chart-note" });
  private readonly plot = h("div", { class: "mc-plot", role: "img" });
  private readonly resize: ResizeObserver;
  private readonly sight: IntersectionObserver;
  private uplot: uPlot | undefined;
  private colors: Palette | undefined;
  private look: Look = { smoothing: 0, log: false, zoom: null };
  private drawn: Columns | undefined;
  private smoothed: Float64Array = new Float64Array(0);
  private marks = NONE;
  private visible = true;
  private frame = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private track: Track,
    private readonly root: HTMLElement,
    private readonly hero: boolean,
    private readonly sync: string,
    private readonly zoomed: (zoom: Zoom) => void,
  ) {
    const caption = h("figcaption", {}, h("span", { class: "mc-chart-name", title: track.name }, track.name), this.note, this.value);
    this.element = h("figure", { class: `mc-chart${hero ? " hero" : ""}` }, caption, this.plot);
    this.resize = new ResizeObserver(() => this.schedule());
    this.resize.observe(this.plot);
    this.sight = new IntersectionObserver((entries) => {
      this.visible = entries.some((entry) => entry.isIntersecting);
      if (this.visible) this.schedule();
    });
    this.sight.observe(this.plot);
  }

  update(track: Track, look: Look, marks: Marks): void {
    if (look.log !== this.look.log) this.rebuild();
    this.track = track;
    this.look = look;
    this.marks = marks;
    this.schedule();
  }

  /** Draws in the next animation frame, once, however often it is asked. */
  schedule(): void {
    this.summarise();
    if (this.frame || !this.visible) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  themed(): void {
    this.rebuild();
    this.schedule();
  }

  dispose(): void {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.retry);
    this.resize.disconnect();
    this.sight.disconnect();
    this.rebuild();
  }

  private rebuild(): void {
    this.uplot?.destroy();
    this.uplot = undefined;
    this.colors = undefined;
  }

  private get logarithmic(): boolean {
    return this.look.log && /loss|norm|rate|perplexity/.test(this.track.name);
  }

  private get weight(): number {
    // A schedule is exact and an evaluation is rare: an average would only tell something else.
    const exact = /learning_rate|^eval\//.test(this.track.name);
    return exact || this.track.values.length < FEWEST_TO_SMOOTH ? 0 : this.look.smoothing;
  }

  private draw(): void {
    const width = Math.floor(this.plot.clientWidth);
    if (!this.plot.isConnected) return;
    if (width < 40) {
      // Lab has no style sheet for a moment while it changes its theme, too short for an observer to tell of it.
      clearTimeout(this.retry);
      this.retry = setTimeout(() => this.schedule(), 200);
      return;
    }
    const height = this.hero ? 230 : 128;
    const data = this.columns(width);
    if (!this.uplot) {
      this.colors = palette(this.root);
      this.uplot = new uPlot(this.options(width, height, this.colors), data, this.plot);
    } else {
      if (this.uplot.width !== width) this.uplot.setSize({ width, height });
      this.uplot.setData(data, false);
    }
    const steps = this.drawn?.steps ?? new Float64Array(0);
    const [min, max] = this.look.zoom ?? this.extent(steps);
    this.uplot.setScale("x", { min, max });
    this.read();
  }

  private extent(steps: Float64Array): [number, number] {
    const first = steps[0] ?? 0;
    const last = steps[steps.length - 1] ?? 1;
    return first === last ? [first - 1, last + 1] : [first, last];
  }

  private columns(width: number): uPlot.AlignedData {
    const { track, look } = this;
    const raw: Columns = { steps: track.steps.view(), values: track.values.view(), low: track.low.view(), high: track.high.view() };
    const [from, to] = look.zoom ?? [-Infinity, Infinity];
    const line = minMaxOf({ ...raw, values: smooth(raw.values, this.weight) }, width, from, to);
    const points = line.steps.length < raw.steps.length ? line : minMaxOf(raw, width, from, to);
    this.drawn = points;
    this.smoothed = line.values;
    const usable = this.logarithmic ? (value: number) => value > 0 : (value: number) => Number.isFinite(value);
    const clean = (values: Float64Array): (number | null)[] => Array.from(values, (value) => (usable(value) && Number.isFinite(value) ? value : null));
    return [Array.from(line.steps), clean(line.values), clean(line.low), clean(line.high), this.weight > 0 ? clean(points.values) : []] as uPlot.AlignedData;
  }

  private options(width: number, height: number, colors: Palette): uPlot.Options {
    const family = getComputedStyle(this.root).fontFamily;
    const axis = { stroke: colors.muted, font: `11px ${family}`, grid: { stroke: colors.grid, width: 1 }, ticks: { stroke: colors.grid, width: 1, size: 4 } };
    const numbers = (_plot: uPlot, splits: (number | null)[]): string[] => splits.map((value) => (value === null ? "" : metric(value)));
    const hidden = { stroke: "transparent", width: 0, points: { show: false } };
    return {
      width,
      height,
      padding: [8, 10, 0, 0],
      legend: { show: false },
      scales: { x: { time: false, auto: false }, y: { distr: this.logarithmic ? 3 : 1 } },
      axes: [
        { ...axis, size: 26, gap: 3, space: 64, values: numbers, grid: { show: false } },
        { ...axis, size: 56, gap: 4, space: this.hero ? 34 : 26, values: numbers },
      ],
      series: [
        {},
        { stroke: colors.line, width: 1.75, points: { show: this.track.values.length < FEWEST_TO_SMOOTH, size: 5, fill: colors.line, width: 0 } },
        hidden,
        hidden,
        { stroke: withAlpha(colors.line, 0.32), width: 1, points: { show: false } },
      ],
      bands: [{ series: [3, 2], fill: colors.band }],
      cursor: {
        y: false,
        sync: { key: this.sync, setSeries: false },
        drag: { x: true, y: false, setScale: false },
        points: { size: (_plot, index) => (index === 1 ? 7 : 0), width: 0, fill: colors.line },
        bind: { dblclick: () => () => (this.zoomed(null), null) },
      },
      hooks: {
        setSelect: [(plot) => this.select(plot)],
        setCursor: [() => this.read()],
        drawAxes: [(plot) => this.drawUnder(plot, colors)],
        draw: [(plot) => this.drawOver(plot, colors)],
      },
    };
  }

  private select(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width < 5) return;
    const range: Zoom = [plot.posToVal(left, "x"), plot.posToVal(left + width, "x")];
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.zoomed(range);
  }

  /** Points that a resume replaced, and the moments where something happened. */
  private drawUnder(plot: uPlot, colors: Palette): void {
    clipped(plot, (context) => {
      const steps = this.track.oldSteps.view();
      const values = this.track.oldValues.view();
      context.strokeStyle = withAlpha(colors.muted, 0.55);
      context.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
      context.lineWidth = devicePixelRatio;
      context.beginPath();
      steps.forEach((step, index) => {
        const [x, y] = [plot.valToPos(step, "x", true), plot.valToPos(values[index]!, "y", true)];
        const back = index > 0 && step <= steps[index - 1]!;
        if (!Number.isFinite(y)) return;
        if (index === 0 || back) context.moveTo(x, y);
        else context.lineTo(x, y);
      });
      context.stroke();
      // In the small charts the marks on the axis are enough: a fence of lines would hide the curve.
      for (const event of this.hero ? this.marks.events : []) {
        const x = Math.round(plot.valToPos(event.step, "x", true)) + 0.5;
        context.strokeStyle = withAlpha(tone(event.kind, colors), 0.45);
        context.beginPath();
        context.moveTo(x, plot.bbox.top);
        context.lineTo(x, plot.bbox.top + plot.bbox.height);
        context.stroke();
      }
    });
  }

  private drawOver(plot: uPlot, colors: Palette): void {
    const size = 4 * devicePixelRatio;
    const floor = plot.bbox.top + plot.bbox.height;
    clipped(plot, (context) => {
      for (const event of this.marks.events) {
        const x = plot.valToPos(event.step, "x", true);
        context.fillStyle = tone(event.kind, colors);
        context.beginPath();
        context.moveTo(x - size, floor);
        context.lineTo(x + size, floor);
        context.lineTo(x, floor - size * 1.6);
        context.fill();
      }
      for (const checkpoint of this.marks.checkpoints) this.drawCheckpoint(plot, context, checkpoint, colors);
    });
  }

  private drawCheckpoint(plot: uPlot, context: CanvasRenderingContext2D, checkpoint: Checkpoint, colors: Palette): void {
    const value = this.valueAt(checkpoint.step);
    if (value === undefined) return;
    context.beginPath();
    context.arc(plot.valToPos(checkpoint.step, "x", true), plot.valToPos(value, "y", true), 4 * devicePixelRatio, 0, Math.PI * 2);
    context.fillStyle = checkpoint.isBest ? colors.good : colors.surface;
    context.strokeStyle = checkpoint.isBest ? colors.good : colors.line;
    context.lineWidth = 1.5 * devicePixelRatio;
    context.fill();
    context.stroke();
  }

  /** The drawn line's value at a step: a checkpoint's own loss lies off a smoothed line, and its ring belongs on it. */
  private valueAt(step: number): number | undefined {
    const steps = this.drawn?.steps;
    if (!steps?.length) return undefined;
    const value = this.smoothed[Math.min(lowerBound(steps, step), steps.length - 1)];
    return value !== undefined && Number.isFinite(value) ? value : undefined;
  }

  /** The caption reads what lies under the pointer, or the newest value where there is none. */
  private read(): void {
    const index = this.uplot?.cursor.idx;
    if (index === null || index === undefined || !this.drawn || (this.uplot?.cursor.left ?? -1) < 0) {
      say(this.value, metric(this.track.last));
      say(this.note, "");
      return;
    }
    const { steps, values, low, high } = this.drawn;
    const banded = low[index] !== high[index] && Number.isFinite(low[index]);
    say(this.value, metric(values[index]));
    const band = banded ? `${metric(low[index])} to ${metric(high[index])} · ` : "";
    const event = this.eventAt(steps[index] ?? 0);
    say(this.note, `${event ? `${event} · ` : ""}${band}step ${whole(steps[index])}`);
  }

  private eventAt(step: number): string | undefined {
    const plot = this.uplot;
    if (!plot) return undefined;
    const x = plot.valToPos(step, "x");
    const near = this.marks.events.find((event) => Math.abs(plot.valToPos(event.step, "x") - x) < 5);
    return near && (near.text || near.kind);
  }

  private summarise(): void {
    const { values, steps, count, name } = this.track;
    if (!this.uplot || (this.uplot.cursor.left ?? -1) < 0) say(this.value, metric(this.track.last));
    let [low, high] = [Infinity, -Infinity];
    for (const value of values.view()) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
    const span = low <= high ? `, from ${metric(low)} to ${metric(high)}` : "";
    set(this.plot, "aria-label", `${name}: ${plural(count, "point")} up to step ${whole(steps.view()[steps.length - 1] ?? 0)}, last ${metric(this.track.last)}${span}.`);
    set(this.element, "title", `${plural(count, "raw point")} stand behind this line`);
  }
}

function minMaxOf(columns: Columns, width: number, from: number, to: number): Columns {
  const all = minMax(columns, Infinity, from, to);
  return all.steps.length > MOST_POINTS ? minMax(all, width) : all;
}

function clipped(plot: uPlot, draw: (context: CanvasRenderingContext2D) => void): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left - 6 * devicePixelRatio, bbox.top, bbox.width + 12 * devicePixelRatio, bbox.height);
  ctx.clip();
  draw(ctx);
  ctx.restore();
}

function tone(kind: string, colors: Palette): string {
  if (/nan|error|fail|spike/.test(kind)) return colors.bad;
  if (/pause|resume|set|cancel|interrupt/.test(kind)) return colors.warn;
  return colors.muted;
}

function withAlpha(color: string, alpha: number): string {
  const channels = color.match(/[\d.]+/g)?.slice(0, 3).join(", ");
  return channels ? `rgba(${channels}, ${alpha})` : color;
}
