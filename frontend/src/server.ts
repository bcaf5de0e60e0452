/** The MCP server in this kernel: where it listens, what it offers, who called. */

import { anywidget } from "./anywidget";
import { ActionButtons } from "./controls";
import { chip, facts, h, replace, section } from "./dom";
import { duration, plural, timeOfDay } from "./format";
import type { ServerData, Tool, ToolCall } from "./messages";
import { serverData } from "./shapes";
import type { Drawn, Stage, View } from "./stage";
import { Table } from "./table";

export const view: View<ServerData> = {
  name: "server",
  title: "MCP server",
  check: serverData,
  draw: (body, stage) => new Server(body, stage),
};

class Server implements Drawn<ServerData> {
  private readonly header = h("header", { class: "mc-header" });
  private readonly facts = h("div");
  private readonly actions = new ActionButtons([{ action: "stop", label: "Stop server", kind: "danger" }]);
  private readonly calls = callTable();
  private readonly callSection = section("Last calls", this.calls.element);
  private readonly tools = h("div");
  private drawnTools = "";

  constructor(body: HTMLElement, stage: Stage<ServerData>) {
    body.append(this.header, this.facts, this.actions.element, this.callSection, this.tools);
    this.update(stage);
  }

  update(stage: Stage<ServerData>): void {
    const { data, live } = stage;
    const running = live && data.state === "running";
    replace(
      this.header,
      h("div", { class: "mc-title" }, h("h2", {}, "MCP server"), h("span", { class: `mc-badge ${live ? (running ? "good" : "muted") : "saved"}` }, h("i", { "aria-hidden": "true" }), live ? data.state : "state unknown without its kernel")),
      h("p", { class: "mc-subtitle" }, `profile ${data.profile} · ${plural(data.tools.length, "tool")}${live && !running ? ", offered to nobody now" : ""}`),
    );
    replace(this.facts, this.connection(stage));
    this.actions.update(stage as Stage<unknown>);
    this.callSection.hidden = !live || (!running && !data.calls?.length);
    this.calls.update(data.calls ?? []);
    this.drawTools(data.tools, running);
  }

  dispose(): void {}

  /** Address, mode and clients belong to a living server: a saved notebook must not carry them, and isn't believed if it does. */
  private connection(stage: Stage<ServerData>): HTMLElement | null {
    if (!stage.live || stage.data.state !== "running") return null;
    const { address, mode, clients } = stage.data;
    const names = (clients ?? []).map((client) => (client.version ? `${client.name} ${client.version}` : client.name));
    return facts([
      ["Address", address && h("code", {}, address)],
      ["Mode", mode],
      ["Connected", names.length > 0 ? names.join(", ") : h("span", { class: "mc-muted" }, "nobody yet")],
    ]);
  }

  /** A stopped server offers nothing: its tools fold away, under what they are. */
  private drawTools(tools: readonly Tool[], running: boolean): void {
    const key = JSON.stringify([tools, running]);
    if (key === this.drawnTools) return;
    this.drawnTools = key;
    const writes = tools.filter((tool) => !tool.readOnly).length;
    const items = tools.map((tool) => h("li", {}, h("code", {}, tool.name), toolChip(tool), h("span", { class: "mc-muted" }, tool.description)));
    replace(this.tools, h("details", { open: running && tools.length <= 20 }, h("summary", {}, `${running ? "Tools" : "Tools while it runs"}: ${tools.length - writes} read, ${writes} write`), h("ul", { class: "mc-tools" }, ...items)));
  }
}

function toolChip(tool: Tool): HTMLElement {
  if (tool.destructive) return chip("destroys", "bad");
  return tool.readOnly ? chip("reads") : chip("writes", "warn");
}

function callTable(): Table<ToolCall> {
  return new Table<ToolCall>(
    "Last calls",
    [
      { label: "Time", cell: (row) => timeOfDay(row.time) },
      { label: "Tool", cell: (row) => h("code", {}, row.tool) },
      { label: "Who", cell: (row) => row.principal },
      { label: "Outcome", cell: (row) => chip(row.outcome, row.outcome === "ok" || row.outcome === "done" ? "good" : "bad") },
      { label: "Took", numeric: true, cell: (row) => (row.milliseconds < 1000 ? `${Math.round(row.milliseconds)} ms` : duration(row.milliseconds / 1000)) },
    ],
    "No call yet.",
  );
}

export default anywidget(view);
