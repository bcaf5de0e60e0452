/** One metric's chart: min-max band, smoothed line, events, checkpoints and superseded points, on uPlot. */

import uPlot from "uplot";
import { drawCheckpoints, drawEventLines, drawEventMarks, drawSuperseded, withAlpha } from "./chart_marks";
import { type Columns, lowerBound, Smoother, minMax } from "./decimate";
import { h, say, set } from "./dom";
import { count, metric, plural, whole } from "./format";
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

// Steps are whole: a tick at 2.5 would be labelled with a step that it doesn't stand at.
const WHOLE = Array.from({ length: 15 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();
const NO_VALUES = new Float64Array(0);
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
  /** What is on the canvas: every point in sight or one bucket a pixel, and the line through it. */
  private points: Columns = { steps: NO_VALUES, values: NO_VALUES, low: NO_VALUES, high: NO_VALUES };
  private line: Float64Array = NO_VALUES;
  private readonly smoother = new Smoother();
  private marks = NONE;
  private visible = true;
  private frame = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private track: Track,
    private readonly root: HTMLElement,
    private hero: boolean,
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
    if (track !== this.track) this.smoother.forget();
    this.track = track;
    this.look = look;
    this.marks = marks;
    this.schedule();
  }

  /** The first chart is the large one, also when a series that goes before it arrives later. */
  place(hero: boolean): void {
    if (hero === this.hero) return;
    this.hero = hero;
    this.element.classList.toggle("hero", hero);
    this.rebuild();
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
    const [min, max] = this.look.zoom ?? extent(this.points.steps);
    this.uplot.setScale("x", { min, max });
    this.read();
  }

  private columns(width: number): uPlot.AlignedData {
    const { track, look } = this;
    const raw: Columns = { steps: track.steps.view(), values: track.values.view(), low: track.low.view(), high: track.high.view() };
    const [from, to] = beyond(raw.steps, look.zoom);
    const smoothed = minMax({ ...raw, values: this.smoother.update(raw.values, this.weight, track.revision) }, Infinity, from, to);
    const crowded = smoothed.steps.length > MOST_POINTS;
    this.points = crowded ? minMax(smoothed, width) : minMax(raw, Infinity, from, to);
    this.line = crowded ? this.points.values : smoothed.values;
    const { steps, values, low, high } = this.points;
    const faint = this.weight > 0 && !crowded ? values : new Float64Array(steps.length).fill(Number.NaN);
    return [Array.from(steps), ...[this.line, low, high, faint].map((column) => this.drawable(column))] as uPlot.AlignedData;
  }

  /** NaN is a gap, and so is what a logarithm can't show. */
  private drawable(values: Float64Array): (number | null)[] {
    const positive = this.logarithmic;
    return Array.from(values, (value) => (Number.isFinite(value) && (!positive || value > 0) ? value : null));
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
        { ...axis, size: 26, gap: 3, space: 64, incrs: WHOLE, values: (_plot, splits) => splits.map((step) => count(step)), grid: { show: false } },
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
        drawAxes: [
          (plot) => {
            drawSuperseded(plot, this.track, colors);
            // In the small charts the marks on the axis are enough: a fence of lines would hide the curve.
            if (this.hero) drawEventLines(plot, this.marks.events, colors);
          },
        ],
        draw: [
          (plot) => {
            drawEventMarks(plot, this.marks.events, colors);
            drawCheckpoints(plot, this.marks.checkpoints, (step) => this.valueAt(step), colors);
          },
        ],
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

  /** The drawn line's value at a step: a checkpoint's own loss lies off a smoothed line, and its ring belongs on it. */
  private valueAt(step: number): number | undefined {
    const { steps } = this.points;
    const value = this.line[Math.min(lowerBound(steps, step), steps.length - 1)];
    return value !== undefined && Number.isFinite(value) ? value : undefined;
  }

  /** The caption reads what lies under the pointer, or the newest value where there is none. */
  private read(): void {
    const index = this.uplot?.cursor.idx;
    const step = typeof index === "number" && (this.uplot?.cursor.left ?? -1) >= 0 ? this.points.steps[index] : undefined;
    if (step === undefined) {
      say(this.value, metric(this.track.last));
      say(this.note, "");
      return;
    }
    say(this.value, metric(this.line[index!]));
    const parts = this.hero ? [this.eventAt(step), this.behind(index!)] : [];
    say(this.note, [...parts, `step ${whole(step)}`].filter(Boolean).join(" · "));
  }

  /** What the line's value stands for: the raw one under a smoothed line, the range of a bucket. */
  private behind(index: number): string | undefined {
    const { values, low, high } = this.points;
    if (Number.isFinite(low[index]) && low[index] !== high[index]) return `${metric(low[index])} to ${metric(high[index])}`;
    return this.weight > 0 ? `raw ${metric(values[index])}` : undefined;
  }

  private eventAt(step: number): string | undefined {
    const plot = this.uplot;
    if (!plot) return undefined;
    const x = plot.valToPos(step, "x");
    const near = this.marks.events.find((event) => Math.abs(plot.valToPos(event.step, "x") - x) < 5);
    return near && (near.text || near.kind);
  }

  private summarise(): void {
    const { steps, name, lowest, highest } = this.track;
    if (!this.uplot || (this.uplot.cursor.left ?? -1) < 0) say(this.value, metric(this.track.last));
    const span = lowest <= highest ? `, from ${metric(lowest)} to ${metric(highest)}` : "";
    set(this.plot, "aria-label", `${name}: ${plural(this.track.count, "point")} up to step ${whole(steps.view()[steps.length - 1] ?? 0)}, last ${metric(this.track.last)}${span}.`);
    set(this.element, "title", `${plural(this.track.count, "raw point")} stand behind this line`);
  }
}

/** A zoom's range and the one point on each side of it, so that the line runs out of the picture instead of ending in it. */
function beyond(steps: Float64Array, zoom: Zoom): [number, number] {
  if (!zoom) return [-Infinity, Infinity];
  return [steps[lowerBound(steps, zoom[0]) - 1] ?? -Infinity, steps[lowerBound(steps, zoom[1])] ?? Infinity];
}

function extent(steps: Float64Array): [number, number] {
  const first = steps[0] ?? 0;
  const last = steps[steps.length - 1] ?? 1;
  return first === last ? [first - 1, last + 1] : [first, last];
}
