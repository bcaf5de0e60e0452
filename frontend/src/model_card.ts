/** A model's card: what it is, whether it is safe to load, where its bytes are, and every tensor in it. */

import { anywidget } from "./anywidget";
import { contentTree } from "./content_tree";
import { ActionButtons } from "./controls";
import { type Child, chip, facts, h, replace } from "./dom";
import { bytes, count, percent, plural, whole } from "./format";
import type { ModelCardData, Work } from "./messages";
import { modelCardData } from "./shapes";
import type { Drawn, Stage, View } from "./stage";
import { TensorList } from "./tensor_list";
import { shownValue } from "./text";
import { badge, isGood, meaning, reasons } from "./verdict";
import { WorkLine } from "./work";

const IN_MEMORY = "in memory";

export const view: View<ModelCardData> = {
  name: "model_card",
  title: "Model card",
  check: modelCardData,
  draw: (body, stage) => new Card(body, stage),
};

class Card implements Drawn<ModelCardData> {
  private readonly header = h("header", { class: "mc-header" });
  private readonly dtypes = h("div");
  private readonly warning = h("div");
  private readonly converting = new ActionButtons([
    { action: "convert", label: "Convert to safetensors", kind: "primary", title: "Writes a safetensors copy beside it; nothing in the file runs" },
  ]);
  private warned = "";
  private readonly reasons = h("div");
  private readonly content = h("div");
  private readonly facts = h("div");
  private readonly register = h("input", { type: "text", class: "mc-search", placeholder: "name", "aria-label": "Name to register under", spellcheck: "false" });
  private readonly registerRow = h("div", { class: "mc-register" });
  private readonly actions = new ActionButtons([
    { action: "digest", label: "Compute digest", title: "SHA-256 of every byte" },
    { action: "verify", label: "Verify", title: "Reads the bytes again and compares them with what was registered" },
  ]);
  private readonly registering = new ActionButtons([{ action: "register", label: "Register", kind: "primary", values: () => this.name() }]);
  private readonly tensors = new TensorList();
  private readonly work = new WorkLine();

  constructor(body: HTMLElement, stage: Stage<ModelCardData>) {
    this.registerRow.append(this.actions.element, this.register, this.registering.element);
    this.register.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.registering.element.querySelector("button")?.click();
    });
    body.append(this.header, this.warning, this.reasons, this.dtypes, this.facts, this.registerRow, this.tensors.element, this.content);
    this.update(stage, new Set(["tensors", "tree"]));
  }

  update(stage: Stage<ModelCardData>, changed: ReadonlySet<string>): void {
    const data = stage.data;
    if (changed.size === 1 && changed.has("work")) {
      // Ten times a second: drawing all of it anew would close what a reader has opened.
      this.buttons(stage as Stage<unknown>, data.work);
      return;
    }
    replace(this.header, ...header(data, stage.live));
    this.banner(data);
    if (changed.has("tree")) replace(this.content, data.tree?.children?.length ? contentTree(data.tree) : null);
    replace(this.dtypes, dtypeBar(data.dtypes));
    replace(this.reasons, ...why(data, stage.live));
    replace(this.facts, cardFacts(data));
    if (changed.has("tensors")) this.tensors.update(data.tensors, data.tensorCount);
    this.tensors.element.hidden = data.tensorCount === 0;
    this.buttons(stage as Stage<unknown>, data.work);
  }

  private buttons(stage: Stage<unknown>, work: Work | null | undefined): void {
    for (const row of [this.converting, this.actions, this.registering]) row.update(stage, work?.action);
    this.register.hidden = !stage.can("register");
    this.registerRow.hidden = this.actions.element.hidden && this.register.hidden;
    const place = work?.action === "convert" && this.warning.firstElementChild ? this.warning.firstElementChild : this.registerRow;
    if (work && this.work.element.parentElement !== place) place.append(this.work.element);
    this.work.update(stage.live ? work : null);
  }

  dispose(): void {}

  /** Drawn anew only where its words change: the button in it would lose the focus. */
  private banner(data: ModelCardData): void {
    const said = data.warning ? `${data.warning.text} ${data.warning.command}` : "";
    if (said === this.warned) return;
    this.warned = said;
    const words = data.warning && h("p", {}, data.warning.text, " ", h("code", {}, data.warning.command));
    replace(this.warning, words && h("div", { class: "mc-banner", role: "note", "aria-label": "Pickle warning" }, words, this.converting.element));
  }

  private name(): Record<string, unknown> | null {
    const name = this.register.value.trim();
    if (name) return { name };
    this.register.focus();
    return null;
  }
}

function header(data: ModelCardData, live: boolean): Child[] {
  const line = [
    data.architecture,
    `${count(data.parameterCount)} parameters`,
    bytes(data.sizeBytes),
    plural(data.tensorCount, "tensor"),
    data.format,
  ].filter((part): part is string => Boolean(part));
  return [
    h(
      "div",
      { class: "mc-title" },
      h("h2", {}, data.name),
      data.version !== undefined && chip(`v${data.version}`),
      ...(data.aliases ?? []).map((alias) => chip(`@${alias}`, "alias")),
      ...(data.tags ?? []).map((tag) => chip(tag)),
      data.state && data.state !== "registered" && chip(data.state, "warn"),
      data.stale && chip("changed on disk", "warn", "The file is no longer the one that this card describes"),
      badge(data.verdict, live),
    ),
    h("p", { class: "mc-subtitle", title: `${whole(data.parameterCount)} parameters, ${whole(data.sizeBytes)} bytes` }, line.join(" · ")),
  ];
}

function why(data: ModelCardData, live: boolean): Child[] {
  // Good news without a kernel behind it isn't news: the meaning is said of live verdicts only.
  const said = live && !data.verdict.findings.some((finding) => finding.level === data.verdict.level && !isGood(finding.level));
  return [said && h("p", { class: "mc-muted mc-reason" }, `${meaning(data.verdict.level)}.`), ...reasons(data.verdict.findings, live, data.path)];
}

function dtypeBar(dtypes: Record<string, number>): Child {
  const entries = Object.entries(dtypes).sort((a, b) => b[1] - a[1]);
  const total = entries.reduce((sum, [, parameters]) => sum + parameters, 0);
  if (total === 0) return null;
  const share = (parameters: number): number => parameters / total;
  const text = entries.map(([name, parameters]) => `${name} ${percent(share(parameters))}`).join(", ");
  const bar = h("div", { class: "mc-bar", role: "img", "aria-label": `Data types: ${text}` });
  const legend = h("div", { class: "mc-legend" });
  entries.forEach(([name, parameters], index) => {
    const tint = `--tint:var(--mc-c${(index % 6) + 1})`;
    bar.append(h("i", { style: `${tint};flex-grow:${share(parameters)}` }));
    legend.append(h("span", { title: `${whole(parameters)} parameters` }, h("i", { style: tint, "aria-hidden": "true" }), name, " ", h("span", { class: "mc-muted" }, percent(share(parameters)))));
  });
  return h("div", { class: "mc-dtypes" }, bar, legend);
}

function cardFacts(data: ModelCardData): Child {
  const source = data.source?.repo && `${data.source.repo}${data.source.revision ? ` @ ${data.source.revision.slice(0, 12)}` : ""}`;
  const files = data.files ?? [];
  // A live object has no file: there is nothing whose digest could be computed or whose license could be stated.
  const missing = (text: string): Child => data.format !== IN_MEMORY && h("span", { class: "mc-muted" }, text);
  return facts([
    ["Path", data.path && h("code", {}, data.path), "wide"],
    ["Digest", data.digest ? h("code", { class: "mc-digest", title: data.digest }, data.digest) : missing("not computed"), data.digest ? "wide" : undefined],
    ["License", data.license ?? missing("not stated")],
    ["Source", source],
    ["Provenance", data.provenance],
    ["Bytes", data.bytes],
    ["Reference", data.reference && data.reference !== data.name && h("code", {}, data.reference)],
    ["Files", files.length > 0 && fileList(files)],
    ["Lineage", data.lineage && Object.keys(data.lineage).length > 0 && pairs(data.lineage)],
    ["Metadata", data.metadata && Object.keys(data.metadata).length > 0 && pairs(data.metadata)],
  ]);
}

function fileList(files: NonNullable<ModelCardData["files"]>): HTMLElement {
  if (files.length === 1) return h("span", {}, h("code", {}, files[0]!.name), " ", h("span", { class: "mc-muted" }, bytes(files[0]!.sizeBytes)));
  const rows = files.slice(0, 200).map((file) => h("li", {}, h("code", {}, file.name), h("span", { class: "num" }, bytes(file.sizeBytes))));
  return h("details", {}, h("summary", {}, `${plural(files.length, "file")}, ${bytes(files.reduce((sum, file) => sum + file.sizeBytes, 0))}`), h("ul", { class: "mc-files" }, ...rows));
}

function pairs(values: Record<string, unknown>): HTMLElement {
  const entries = Object.entries(values);
  const rows = entries.slice(0, 100).map(([key, value]) => h("li", {}, h("code", {}, key), h("span", {}, shownValue(value))));
  if (entries.length <= 3) return h("ul", { class: "mc-pairs" }, ...rows);
  return h("details", {}, h("summary", {}, plural(entries.length, "entry", "entries")), h("ul", { class: "mc-files mc-pairs" }, ...rows));
}

export default anywidget(view);
