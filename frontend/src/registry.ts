/** Everything that is kept: models, jobs, checkpoints and the disk they share. */

import { anywidget } from "./anywidget";
import { ActionButtons } from "./controls";
import { type Child, chip, h, replace, uniqueId } from "./dom";
import { bytes, count, metricCell, moment, percent, whole } from "./format";
import type { CheckpointRow, Job, ModelRow, RegistryData, StorageRow } from "./messages";
import { registryData } from "./shapes";
import type { Drawn, Stage, View } from "./stage";
import { stateChip } from "./states";
import { Table } from "./table";
import { badge } from "./verdict";

export const view: View<RegistryData> = {
  name: "registry",
  title: "Registry",
  check: registryData,
  draw: (body, stage) => new Registry(body, stage),
};

const TABS = ["Models", "Runs", "Checkpoints", "Storage"] as const;

class Registry implements Drawn<RegistryData> {
  private readonly header = h("header", { class: "mc-header" });
  private readonly actions = new ActionButtons([
    { action: "refresh", label: "Refresh" },
    { action: "recover", label: "Recover", title: "Finds runs whose process died and shows them to their last step" },
  ]);
  private readonly tabs = h("div", { class: "mc-tabs", role: "tablist", "aria-label": "Registry" });
  private readonly buttons: HTMLButtonElement[] = [];
  private readonly panels: HTMLElement[] = [];
  private readonly usage = h("div");
  private live = false;
  private largest = 1;
  private readonly models: Table<ModelRow>;
  private readonly jobs: Table<Job>;
  private readonly checkpoints: Table<CheckpointRow>;
  private readonly storage: Table<StorageRow>;

  constructor(body: HTMLElement, stage: Stage<RegistryData>) {
    this.models = modelTable(() => this.live);
    this.jobs = jobTable(() => this.live);
    this.checkpoints = checkpointTable(() => this.largest);
    this.storage = storageTable(() => this.largest);
    body.append(this.header, this.tabs);
    const contents = [[this.models.element], [this.jobs.element], [this.checkpoints.element], [this.usage, this.storage.element]];
    contents.forEach((elements, index) => this.addTab(index, elements, body));
    this.tabs.addEventListener("keydown", (event) => this.key(event));
    this.tabs.append(this.actions.element);
    this.choose(0);
    this.update(stage);
  }

  update(stage: Stage<RegistryData>): void {
    const { data } = stage;
    this.live = stage.live;
    this.largest = Math.max(1, ...data.checkpoints.map((row) => row.sizeBytes), ...data.storage.map((row) => row.bytes));
    replace(this.header, ...header(data));
    [data.totals.models, data.totals.jobs, data.totals.checkpoints, bytes(data.totals.bytes)].forEach((total, index) => {
      replace(this.buttons[index]!, TABS[index]!, h("span", { class: "mc-count" }, typeof total === "number" ? whole(total) : total));
    });
    this.models.update(data.models);
    this.jobs.update(data.jobs);
    this.checkpoints.update(data.checkpoints);
    this.storage.update(data.storage);
    replace(this.usage, usage(data));
    this.actions.update(stage as Stage<unknown>);
  }

  dispose(): void {}

  private addTab(index: number, elements: readonly HTMLElement[], body: HTMLElement): void {
    const [tab, panel] = [uniqueId("tab"), uniqueId("panel")];
    const button = h("button", { type: "button", role: "tab", id: tab, "aria-controls": panel, onclick: () => this.choose(index) }, TABS[index]!);
    this.buttons.push(button);
    this.tabs.append(button);
    this.panels.push(h("div", { role: "tabpanel", id: panel, "aria-labelledby": tab, class: "mc-panel" }, ...elements));
    body.append(this.panels[index]!);
  }

  private choose(chosen: number): void {
    this.buttons.forEach((button, index) => {
      button.setAttribute("aria-selected", String(index === chosen));
      button.tabIndex = index === chosen ? 0 : -1;
      this.panels[index]!.hidden = index !== chosen;
    });
  }

  private key(event: KeyboardEvent): void {
    const index = this.buttons.indexOf(event.target as HTMLButtonElement);
    const moves: Record<string, number> = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: TABS.length - 1 };
    const next = moves[event.key];
    if (index < 0 || next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const chosen = (next + TABS.length) % TABS.length;
    this.choose(chosen);
    this.buttons[chosen]!.focus();
  }
}

function header(data: RegistryData): Child[] {
  const { totals, disk } = data;
  const parts = [`${bytes(totals.bytes)} kept`, totals.reclaimableBytes > 0 ? `${bytes(totals.reclaimableBytes)} reclaimable` : "", disk ? `${bytes(disk.freeBytes)} free on disk` : ""];
  return [h("div", { class: "mc-title" }, h("h2", {}, "Registry")), h("p", { class: "mc-subtitle" }, parts.filter(Boolean).join(" · "))];
}

function meter(value: number, largest: number): HTMLElement {
  return h("span", { class: "mc-meter" }, h("span", { class: "mc-share", "aria-hidden": "true" }, h("b", { style: `width:${((value / largest) * 100).toFixed(1)}%` })), bytes(value));
}

function modelTable(live: () => boolean): Table<ModelRow> {
  return new Table<ModelRow>(
    "Models",
    [
      { label: "Model", key: (row) => row.id, cell: (row) => h("span", { class: "mc-name" }, row.id, row.version !== undefined && chip(`v${row.version}`), ...(row.aliases ?? []).map((alias) => chip(`@${alias}`, "alias"))), title: (row) => row.path },
      { label: "Kind", key: (row) => row.kind, cell: (row) => row.kind ?? "" },
      { label: "Architecture", key: (row) => row.architecture, cell: (row) => row.architecture ?? "" },
      { label: "Format", key: (row) => row.format, cell: (row) => row.format ?? "" },
      { label: "Parameters", numeric: true, key: (row) => row.parameterCount, cell: (row) => count(row.parameterCount), title: (row) => whole(row.parameterCount) },
      { label: "Size", numeric: true, key: (row) => row.sizeBytes, cell: (row) => bytes(row.sizeBytes) },
      { label: "Verdict", key: (row) => row.verdict?.level, cell: (row) => row.verdict && badge(row.verdict, live()) },
    ],
    "No model is registered yet.",
  );
}

function jobTable(live: () => boolean): Table<Job> {
  return new Table<Job>(
    "Runs",
    [
      { label: "Run", key: (row) => row.name, cell: (row) => h("span", { class: "mc-name" }, row.name, row.id !== row.name && h("code", { class: "mc-muted" }, row.id)) },
      { label: "State", key: (row) => row.state, cell: (row) => stateChip(row.state, live()) },
      { label: "Step", numeric: true, key: (row) => row.step, cell: (row) => (row.totalSteps ? `${whole(row.step)} / ${whole(row.totalSteps)}` : whole(row.step)) },
      { label: "Loss", numeric: true, key: (row) => row.loss, cell: (row) => metricCell(row.loss) },
      { label: "Eval loss", numeric: true, key: (row) => row.evalLoss, cell: (row) => metricCell(row.evalLoss) },
      { label: "Started", key: (row) => row.startedAt ?? row.createdAt, cell: (row) => moment(row.startedAt ?? row.createdAt) },
    ],
    "No run has been recorded yet.",
  );
}

function checkpointTable(largest: () => number): Table<CheckpointRow> {
  return new Table<CheckpointRow>(
    "Checkpoints",
    [
      { label: "Run", key: (row) => row.job, cell: (row) => h("code", {}, row.job) },
      { label: "Step", numeric: true, key: (row) => row.step, cell: (row) => whole(row.step) },
      { label: "Loss", numeric: true, key: (row) => row.loss, cell: (row) => metricCell(row.loss) },
      { label: "Size", numeric: true, key: (row) => row.sizeBytes, cell: (row) => meter(row.sizeBytes, largest()) },
      { label: "", cell: (row) => h("span", {}, row.isBest && chip("best", "good"), row.state !== "complete" && chip(row.state, "warn")) },
    ],
    "No checkpoint has been saved yet.",
  );
}

function storageTable(largest: () => number): Table<StorageRow> {
  return new Table<StorageRow>(
    "Storage",
    [
      { label: "Category", key: (row) => row.category, cell: (row) => row.category },
      { label: "Item", key: (row) => row.id, cell: (row) => h("code", {}, row.id), title: (row) => row.path },
      { label: "Size", numeric: true, key: (row) => row.bytes, cell: (row) => meter(row.bytes, largest()) },
      { label: "Reclaimable", key: (row) => Number(row.reclaimable), cell: (row) => (row.reclaimable ? h("span", {}, chip("yes", "warn"), " ", h("span", { class: "mc-muted" }, row.reason ?? "")) : "") },
    ],
    "Nothing is kept yet.",
  );
}

/** The bytes by category, and how they stand to the whole disk. */
function usage(data: RegistryData): Child {
  const sums = new Map<string, number>();
  for (const row of data.storage) sums.set(row.category, (sums.get(row.category) ?? 0) + row.bytes);
  const entries = [...sums].sort((a, b) => b[1] - a[1]);
  const total = entries.reduce((sum, [, size]) => sum + size, 0);
  if (total === 0) return null;
  const bar = h("div", { class: "mc-bar", role: "img", "aria-label": `Bytes by category: ${entries.map(([name, size]) => `${name} ${bytes(size)}`).join(", ")}` });
  const legend = h("div", { class: "mc-legend" });
  entries.forEach(([name, size], index) => {
    const tint = `--tint:var(--mc-c${(index % 6) + 1})`;
    bar.append(h("i", { style: `${tint};flex-grow:${size / total}` }));
    legend.append(h("span", {}, h("i", { style: tint, "aria-hidden": "true" }), name, " ", h("span", { class: "mc-muted" }, `${bytes(size)}, ${percent(size / total)}`)));
  });
  return h("div", { class: "mc-dtypes" }, bar, legend);
}

export default anywidget(view);
