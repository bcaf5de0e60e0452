/** The charts' numbers as a table, for readers who can't or don't want to see curves. Built only while it is open. */

import { lowerBound } from "./decimate";
import { h, replace } from "./dom";
import { metricCell, timeOfDay, whole } from "./format";
import type { RunEvent } from "./messages";
import type { Track } from "./points";

const ROWS = 40;
const EVERY = 1000;

export class NumbersTable {
  private readonly content = h("div", { class: "mc-table-scroll", tabindex: "0", role: "region", "aria-label": "Numbers of the charts" });
  readonly element = h("details", { class: "mc-numbers" }, h("summary", {}, "Numbers"), this.content);
  private tracks: ReadonlyMap<string, Track> = new Map();
  private events: readonly RunEvent[] = [];
  private drawnAt = -Infinity;

  constructor() {
    this.element.addEventListener("toggle", () => this.draw());
  }

  changed(tracks: ReadonlyMap<string, Track>, events: readonly RunEvent[]): void {
    this.tracks = tracks;
    this.events = events;
    this.element.hidden = tracks.size === 0;
    if (performance.now() - this.drawnAt > EVERY) this.draw();
  }

  private draw(): void {
    if (!this.element.open) return;
    this.drawnAt = performance.now();
    const names = [...this.tracks.keys()];
    const head = h("tr", {}, h("th", { class: "num", scope: "col" }, "step"), ...names.map((name) => h("th", { class: "num", scope: "col" }, name)));
    const steps = this.steps();
    const rows = steps.map((step, row) => {
      const since = steps[row - 1] ?? -Infinity;
      return h("tr", {}, h("td", { class: "num" }, whole(step)), ...names.map((name) => h("td", { class: "num" }, newest(this.tracks.get(name)!, since, step))));
    });
    replace(this.content, h("table", { class: "mc-table" }, h("thead", {}, head), h("tbody", {}, ...rows)), this.eventTable());
  }

  /** Evenly chosen steps of the longest series, the newest always among them. */
  private steps(): number[] {
    let longest = new Float64Array(0);
    for (const track of this.tracks.values()) if (track.steps.length > longest.length) longest = track.steps.view() as Float64Array<ArrayBuffer>;
    const rows = Math.min(ROWS, longest.length);
    return Array.from({ length: rows }, (_, row) => longest[Math.round((row * (longest.length - 1)) / Math.max(1, rows - 1))]!);
  }

  private eventTable(): HTMLElement | null {
    if (this.events.length === 0) return null;
    const rows = this.events.map((event) => h("tr", {}, h("td", { class: "num" }, whole(event.step)), h("td", {}, timeOfDay(event.time)), h("td", {}, event.kind), h("td", {}, event.text)));
    const head = h("tr", {}, ...["step", "time", "event", ""].map((label) => h("th", { scope: "col", class: label === "step" ? "num" : "" }, label)));
    return h("table", { class: "mc-table", "aria-label": "Events" }, h("thead", {}, head), h("tbody", {}, ...rows));
  }
}

/** The last value after one row's step and up to the next: an evaluation, logged rarely, stands in one row and isn't repeated. */
function newest(track: Track, since: number, step: number): string {
  const steps = track.steps.view();
  const after = lowerBound(steps, step);
  const index = steps[after] === step ? after : after - 1;
  return index >= 0 && steps[index]! > since ? metricCell(track.values.view()[index]) : "";
}
