/** A training run: where it stands, its charts while it moves, and the buttons that hold it. */

import uplotCss from "uplot/dist/uPlot.min.css";
import { anywidget } from "./anywidget";
import { Chart, type Look, type Zoom } from "./chart";
import { ActionButtons } from "./controls";
import { type Child, chip, facts, h, lines, replace, say, uniqueId } from "./dom";
import { bytes, metricCell, moment, plural, whole } from "./format";
import type { Checkpoint, Job, RunEvent, TrainingRunData } from "./messages";
import { type Delta, Track } from "./points";
import { Header } from "./run_header";
import { NumbersTable } from "./run_numbers";
import { trainingRunData } from "./shapes";
import type { Drawn, Stage, View } from "./stage";
import { shownValue } from "./text";

export const view: View<TrainingRunData> = {
  name: "training_run",
  title: "Training run",
  check: trainingRunData,
  draw: (body, stage) => new Panel(body, stage),
};

const FIRST = ["train/loss", "eval/loss", "train/accuracy", "eval/accuracy", "train/learning_rate", "train/grad_norm"];

function order(a: string, b: string): number {
  const place = (name: string): number => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  return place(a) - place(b) || a.localeCompare(b, "en");
}

class Panel implements Drawn<TrainingRunData> {
  private readonly header = new Header();
  private readonly failure = h("div");
  private readonly warning = h("div");
  private readonly actions = new ActionButtons([
    { action: "pause", label: "Pause" },
    { action: "resume", label: "Resume", kind: "primary" },
    { action: "cancel", label: "Stop", title: "Saves a checkpoint, then ends the run: it can be resumed" },
    { action: "checkpoint", label: "Checkpoint", title: "Saves a checkpoint at the next step" },
  ]);
  private readonly grid = h("div", { class: "mc-charts" });
  private readonly resetZoom = h("button", { type: "button", class: "mc-button", hidden: true, onclick: () => this.zoom(null) }, "Reset zoom");
  private readonly tools: HTMLElement;
  private readonly numbers = new NumbersTable();
  private readonly details = h("div", { class: "mc-run-details" });
  private readonly tracks = new Map<string, Track>();
  private readonly charts = new Map<string, Chart>();
  private readonly sync = uniqueId("sync");
  private look: Look = { smoothing: 0.8, log: false, zoom: null };
  private events: readonly RunEvent[] = [];
  private checkpoints: readonly Checkpoint[] = [];

  constructor(
    body: HTMLElement,
    private stage: Stage<TrainingRunData>,
  ) {
    const style = document.createElement("style");
    style.textContent = uplotCss;
    this.tools = this.toolbar();
    body.append(style, this.header.element, this.failure, this.warning, this.tools, this.grid, this.numbers.element, this.details);
    this.update(stage, new Set(["series", "events", "checkpoints"]));
  }

  update(stage: Stage<TrainingRunData>, changed: ReadonlySet<string>): void {
    this.stage = stage;
    const { job, events, checkpoints } = stage.data;
    replace(this.failure, failure(job));
    this.actions.update(stage as Stage<unknown>);
    this.events = events;
    this.checkpoints = checkpoints;
    if (changed.has("series")) this.load();
    this.told();
    this.drawAll();
    replace(this.details, checkpointList(checkpoints), configTable(job));
  }

  points(deltas: readonly Delta[]): void {
    for (const delta of deltas) {
      let track = this.tracks.get(delta.name);
      if (!track) {
        track = new Track(delta.name);
        this.tracks.set(delta.name, track);
        this.drawAll();
      }
      track.append(delta.steps, delta.values);
      this.charts.get(delta.name)?.schedule();
    }
    this.told();
    this.numbers.changed(this.tracks, this.events);
  }

  /** JSON has no NaN, so that the loss of the moment is read off its series where the run's row has none. */
  private told(): void {
    const { job } = this.stage.data;
    const loss = job.loss ?? this.tracks.get("train/loss")?.last;
    this.header.update(loss === undefined ? job : { ...job, loss }, this.stage.live);
    const lost = loss !== undefined && !Number.isFinite(loss) ? this.events.findLast((event) => event.kind === "nan") : undefined;
    replace(this.warning, lost && h("div", { class: "mc-failure warn", role: "note" }, lost.text));
  }

  themed(): void {
    for (const chart of this.charts.values()) chart.themed();
  }

  dispose(): void {
    for (const chart of this.charts.values()) chart.dispose();
  }

  /** A snapshot holds every series whole; saved data that comes back after the kernel went must not undo what arrived live. */
  private load(): void {
    const names = new Set(this.stage.data.series.map((series) => series.name));
    for (const series of this.stage.data.series) {
      const known = this.tracks.get(series.name);
      if (!known || this.stage.live || series.count >= known.count) this.tracks.set(series.name, Track.from(series));
    }
    if (this.stage.live) for (const name of this.tracks.keys()) if (!names.has(name)) this.tracks.delete(name);
  }

  private drawAll(): void {
    const names = [...this.tracks.keys()].sort(order);
    for (const [name, chart] of this.charts) {
      if (this.tracks.has(name)) continue;
      chart.dispose();
      chart.element.remove();
      this.charts.delete(name);
    }
    names.forEach((name, index) => this.place(name, index));
    this.grid.hidden = names.length === 0;
    this.tools.classList.toggle("empty", names.length === 0);
    this.numbers.changed(this.tracks, this.events);
  }

  private place(name: string, index: number): void {
    const track = this.tracks.get(name)!;
    let chart = this.charts.get(name);
    if (!chart) {
      chart = new Chart(track, this.stage.root, index === 0, this.sync, (zoom) => this.zoom(zoom));
      this.charts.set(name, chart);
    }
    chart.place(index === 0);
    if (this.grid.children[index] !== chart.element) this.grid.insertBefore(chart.element, this.grid.children[index] ?? null);
    chart.update(track, this.look, { events: this.events, checkpoints: /loss/.test(name) ? this.checkpoints : [] });
  }

  private zoom(zoom: Zoom): void {
    this.look = { ...this.look, zoom };
    this.resetZoom.hidden = zoom === null;
    this.drawAll();
  }

  private toolbar(): HTMLElement {
    const output = h("output", { class: "num" }, this.look.smoothing.toFixed(2));
    const slider = h("input", { type: "range", min: 0, max: 0.99, step: 0.01, value: this.look.smoothing, "aria-label": "Smoothing" });
    slider.addEventListener("input", () => {
      this.look = { ...this.look, smoothing: Number(slider.value) };
      say(output, this.look.smoothing.toFixed(2));
      this.drawAll();
    });
    const log = h("button", { type: "button", class: "mc-button", "aria-pressed": "false", title: "Logarithmic axis for losses, norms and rates" }, "Log");
    log.addEventListener("click", () => {
      this.look = { ...this.look, log: !this.look.log };
      log.setAttribute("aria-pressed", String(this.look.log));
      this.drawAll();
    });
    const looks = h("div", { class: "mc-looks" }, this.resetZoom, h("label", { class: "mc-slider" }, h("span", {}, "Smoothing"), slider, output), log);
    return h("div", { class: "mc-toolbar mc-run-tools" }, this.actions.element, looks);
  }
}

function failure(job: Job): Child {
  if (!job.error) return null;
  return h("div", { class: "mc-failure", role: "note" }, h("strong", {}, job.error.type), lines(job.error.message, "mc-trace"));
}

function checkpointList(checkpoints: readonly Checkpoint[]): Child {
  if (checkpoints.length === 0) return null;
  const rows = checkpoints.map((checkpoint) =>
    h(
      "li",
      {},
      h("span", { class: "num" }, `step ${whole(checkpoint.step)}`),
      h("span", { class: "num" }, checkpoint.loss === undefined ? "" : metricCell(checkpoint.loss)),
      h("span", { class: "num mc-muted" }, bytes(checkpoint.sizeBytes)),
      h("span", {}, checkpoint.isBest && chip("best", "good"), checkpoint.pinned && chip("pinned"), checkpoint.state !== "complete" && chip(checkpoint.state, "warn")),
    ),
  );
  return h("details", {}, h("summary", {}, plural(checkpoints.length, "checkpoint")), h("ul", { class: "mc-files mc-checkpoints" }, ...rows));
}

function configTable(job: Job): Child {
  const entries = Object.entries(job.config ?? {});
  const times: [string, Child][] = [
    ["created", job.createdAt && moment(job.createdAt)],
    ["started", job.startedAt && moment(job.startedAt)],
    ["ended", job.endedAt && moment(job.endedAt)],
  ];
  const rows = entries.map(([key, value]): [string, Child] => [key, h("code", {}, shownValue(value))]);
  if (rows.length === 0 && !job.createdAt) return null;
  return h("details", {}, h("summary", {}, "Configuration"), facts([...rows, ...times]));
}

export default anywidget(view);
