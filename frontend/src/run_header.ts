/** The head of a run: its name, state and progress, and the numbers of the moment. */

import { chip, h, replace, say } from "./dom";
import { count, duration, metric, percent, whole } from "./format";
import type { Job } from "./messages";
import { stateChip } from "./states";

/** Changed in place ten times a second: nothing is rebuilt that didn't change. */
export class Header {
  private readonly title = h("div", { class: "mc-title" });
  private readonly fill = h("b");
  private readonly bar = h("div", { class: "mc-progress", role: "progressbar", "aria-label": "Progress", "aria-valuemin": 0 }, this.fill);
  private readonly stats = h("div", { class: "mc-stats" });
  private readonly values = new Map<string, HTMLElement>();
  readonly element = h("header", { class: "mc-header" }, this.title, this.bar, this.stats);
  private titled = "";

  update(job: Job, live: boolean): void {
    const titled = JSON.stringify([job.name, job.id, job.state, job.device, live]);
    if (titled !== this.titled) {
      this.titled = titled;
      replace(this.title, h("h2", {}, job.name), job.id !== job.name && h("code", { class: "mc-muted" }, job.id), job.device && chip(job.device), stateChip(job.state, live));
    }
    this.progress(job);
    this.stat("Step", job.totalSteps ? `${whole(job.step)} / ${whole(job.totalSteps)}` : whole(job.step));
    this.stat("Epoch", job.epoch === undefined ? undefined : metric(Number(job.epoch.toFixed(3))));
    this.stat("Loss", job.loss === undefined ? undefined : metric(job.loss));
    this.stat("Eval loss", job.evalLoss === undefined ? undefined : metric(job.evalLoss));
    this.stat("Best step", job.bestStep === undefined ? undefined : whole(job.bestStep));
    this.stat("Learning rate", job.learningRate === undefined ? undefined : metric(job.learningRate));
    this.stat("Samples/s", job.samplesPerSecond === undefined ? undefined : count(job.samplesPerSecond));
    this.stat("Left", live && job.etaSeconds !== undefined && job.state === "running" ? duration(job.etaSeconds) : undefined);
    this.stat("Took", took(job));
  }

  private progress(job: Job): void {
    this.bar.hidden = !job.totalSteps;
    if (!job.totalSteps) return;
    const share = Math.min(1, job.step / job.totalSteps);
    this.fill.style.width = `${(share * 100).toFixed(2)}%`;
    this.bar.dataset["state"] = job.state;
    this.bar.setAttribute("aria-valuemax", String(job.totalSteps));
    this.bar.setAttribute("aria-valuenow", String(job.step));
    this.bar.setAttribute("aria-valuetext", `step ${whole(job.step)} of ${whole(job.totalSteps)}, ${percent(share)}`);
  }

  private stat(label: string, value: string | undefined): void {
    let element = this.values.get(label);
    if (!element) {
      element = h("strong");
      this.values.set(label, element);
      this.stats.append(h("div", {}, h("span", {}, label), element));
    }
    element.parentElement!.hidden = value === undefined;
    if (value !== undefined) say(element, value);
  }
}

function took(job: Job): string | undefined {
  if (!job.startedAt || !job.endedAt) return undefined;
  return duration((Date.parse(job.endedAt) - Date.parse(job.startedAt)) / 1000);
}
