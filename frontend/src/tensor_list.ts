/** The tensor tree as a tree grid: only the rows in sight exist, so fifty thousand tensors scroll like fifty. */

import { choice } from "./controls";
import { h, replace, say, uniqueId } from "./dom";
import { bytes, count, percent, plural, shape, whole } from "./format";
import type { Tensor } from "./messages";
import { type Node, type Order, type Row, buildTree, countMatches, groups, sortTree, visibleRows } from "./tensor_tree";

const ROW = 24;
const OVERSCAN = 8;
const MOST_ROWS_IN_SIGHT = 15;

export class TensorList {
  readonly element: HTMLElement;
  private readonly search = h("input", { type: "search", class: "mc-search", placeholder: "Search tensors", "aria-label": "Search tensors by name", spellcheck: "false", autocomplete: "off" });
  private readonly found = h("span", { class: "mc-muted", role: "status" });
  private readonly grid = h("div", { class: "mc-tree", role: "treegrid", tabindex: "0", "aria-label": "Tensors" });
  private readonly space = h("div", { class: "mc-tree-space", role: "presentation" });
  private readonly prefix = uniqueId("row");
  private readonly open = new Set<string>();
  private root: Node = buildTree([]);
  private rows: Row[] = [];
  private order: Order = "name";
  private current = 0;
  private total = 0;

  constructor() {
    const toolbar = h(
      "div",
      { class: "mc-toolbar" },
      this.search,
      choice<Order>("Order", [["name", "Name"], ["size", "Size"]], "name", (order) => this.sort(order)),
      h("button", { type: "button", class: "mc-button", onclick: () => this.expand(true) }, "Expand"),
      h("button", { type: "button", class: "mc-button", onclick: () => this.expand(false) }, "Collapse"),
      this.found,
    );
    // Inside the scroller and sticky: so a scrollbar takes the same width from the header as from the rows.
    const header = h("div", { class: "mc-tree-head", role: "presentation", "aria-hidden": "true" });
    for (const label of ["Tensor", "Type", "Shape", "Parameters", "Size", ""]) header.append(h("span", {}, label));
    this.grid.append(header, this.space);
    this.element = h("div", { class: "mc-tensors" }, toolbar, this.grid);
    this.search.addEventListener("input", () => this.refresh(true));
    this.grid.addEventListener("scroll", () => this.paint());
    this.grid.addEventListener("keydown", (event) => this.key(event));
    this.grid.addEventListener("click", (event) => this.click(event));
  }

  /** Takes tensors; what is open, searched and ordered stays. */
  update(tensors: readonly Tensor[], tensorCount: number): void {
    this.total = tensorCount;
    this.root = buildTree(tensors);
    sortTree(this.root, this.order);
    if (this.open.size === 0 && this.root.children.length <= 3) this.root.children.forEach((node) => this.open.add(node.path));
    this.refresh(false);
  }

  private sort(order: Order): void {
    this.order = order;
    sortTree(this.root, order);
    this.refresh(true);
  }

  private expand(all: boolean): void {
    this.open.clear();
    if (all) for (const path of groups(this.root)) this.open.add(path);
    this.refresh(true);
  }

  private refresh(fromTop: boolean): void {
    const wanted = this.search.value;
    this.rows = visibleRows(this.root, this.open, wanted);
    if (fromTop) this.grid.scrollTop = 0;
    this.current = fromTop ? 0 : Math.min(this.current, Math.max(0, this.rows.length - 1));
    this.space.style.height = `${this.rows.length * ROW}px`;
    this.grid.style.height = `${(Math.min(Math.max(this.rows.length, 1), MOST_ROWS_IN_SIGHT) + 1) * ROW + 1}px`;
    this.grid.setAttribute("aria-rowcount", String(this.rows.length));
    say(this.found, this.summary(wanted));
    this.paint();
  }

  private summary(wanted: string): string {
    const held = this.root.tensors;
    const missing = held < this.total ? `${whole(held)} of ${plural(this.total, "tensor")} kept in this output` : plural(held, "tensor");
    return wanted.trim() ? `${whole(countMatches(this.root, wanted))} of ${missing}` : missing;
  }

  private paint(): void {
    const first = Math.max(0, Math.floor(this.grid.scrollTop / ROW) - OVERSCAN);
    const last = Math.min(this.rows.length, first + MOST_ROWS_IN_SIGHT + OVERSCAN * 2);
    const drawn: HTMLElement[] = [];
    for (let index = first; index < last; index += 1) drawn.push(this.row(this.rows[index]!, index));
    replace(this.space, ...drawn);
    if (this.rows.length === 0) this.space.append(h("div", { class: "mc-empty" }, "No tensor has this in its name."));
    this.grid.setAttribute("aria-activedescendant", this.rows.length ? `${this.prefix}-${this.current}` : "");
  }

  private row(row: Row, index: number): HTMLElement {
    const { node, level } = row;
    const share = this.root.bytes ? node.bytes / this.root.bytes : 0;
    const searching = this.search.value.trim() !== "";
    const expanded = node.tensor ? undefined : String(searching || this.open.has(node.path));
    return h(
      "div",
      {
        class: `mc-row${index === this.current ? " current" : ""}${node.tensor ? "" : " group"}`,
        role: "row",
        id: `${this.prefix}-${index}`,
        "data-index": index,
        "aria-level": level,
        "aria-posinset": row.position,
        "aria-setsize": row.siblings,
        "aria-rowindex": index + 1,
        "aria-expanded": expanded,
        style: `transform:translateY(${index * ROW}px);--level:${level - 1}`,
      },
      h("span", { role: "gridcell", class: "name", title: node.path }, h("i", { class: "twist", "aria-hidden": "true" }), ...this.marked(node)),
      h("span", { role: "gridcell", class: "mc-muted", title: node.tensor ? story(node.tensor) : undefined }, node.tensor ? kind(node.tensor) : plural(node.tensors, "tensor")),
      h("span", { role: "gridcell", class: "shape" }, node.tensor ? shape(node.tensor.shape) : ""),
      h("span", { role: "gridcell", class: "num", title: whole(node.parameters) }, count(node.parameters)),
      h("span", { role: "gridcell", class: "num", title: `${whole(node.bytes)} bytes` }, bytes(node.bytes)),
      h("span", { role: "gridcell", class: "mc-share", title: `${percent(share)} of the bytes shown`, "aria-label": percent(share) }, h("b", { style: `width:${(share * 100).toFixed(2)}%` })),
    );
  }

  /** The label with the searched part marked. A match may span labels; then nothing in this one is. */
  private marked(node: Node): (HTMLElement | string)[] {
    const wanted = this.search.value.trim().toLowerCase();
    const at = wanted ? node.label.toLowerCase().indexOf(wanted) : -1;
    if (at < 0) return [h("span", {}, node.label)];
    const end = at + wanted.length;
    return [h("span", {}, node.label.slice(0, at), h("mark", {}, node.label.slice(at, end)), node.label.slice(end))];
  }

  private click(event: MouseEvent): void {
    const target = (event.target as Element).closest<HTMLElement>("[data-index]");
    if (!target) return;
    this.current = Number(target.dataset["index"]);
    this.toggle();
  }

  private toggle(to?: boolean): void {
    const node = this.rows[this.current]?.node;
    if (node && !node.tensor && !this.search.value.trim()) {
      const open = to ?? !this.open.has(node.path);
      if (open) this.open.add(node.path);
      else this.open.delete(node.path);
      this.refresh(false);
    } else this.paint();
  }

  private key(event: KeyboardEvent): void {
    const page = MOST_ROWS_IN_SIGHT - 1;
    const moves: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    const move = moves[event.key];
    const row = this.rows[this.current];
    if (move !== undefined) this.go(this.current + move);
    else if (event.key === "ArrowRight" && row) this.right(row);
    else if (event.key === "ArrowLeft" && row) this.left(row);
    else if (event.key === "Enter" || event.key === " ") this.toggle();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private right(row: Row): void {
    if (row.node.tensor) return;
    if (this.open.has(row.node.path) || this.search.value.trim()) this.go(this.current + 1);
    else this.toggle(true);
  }

  private left(row: Row): void {
    if (!row.node.tensor && this.open.has(row.node.path) && !this.search.value.trim()) {
      this.toggle(false);
      return;
    }
    for (let index = this.current - 1; index >= 0; index -= 1) {
      if (this.rows[index]!.level < row.level) {
        this.go(index);
        return;
      }
    }
  }

  private go(index: number): void {
    this.current = Math.max(0, Math.min(this.rows.length - 1, index));
    const top = this.current * ROW;
    if (top < this.grid.scrollTop) this.grid.scrollTop = top;
    else if (top + ROW * 2 > this.grid.scrollTop + this.grid.clientHeight) this.grid.scrollTop = top + ROW * 2 - this.grid.clientHeight;
    this.paint();
  }
}

/** The type, and what is special about where the values lie. */
function kind(tensor: Tensor): string {
  if (tensor.layout) return `${tensor.dtype} ${tensor.layout}`;
  if (tensor.aliasOf !== undefined) return `${tensor.dtype} alias`;
  if (tensor.strides || (tensor.storageBytes ?? 0) > tensor.sizeBytes) return `${tensor.dtype} view`;
  return tensor.dtype;
}

function story(tensor: Tensor): string | undefined {
  const parts = [
    tensor.aliasOf !== undefined && `the same bytes as ${tensor.aliasOf}`,
    tensor.strides && `strides ${tensor.strides.join(", ")}`,
    tensor.storageBytes !== undefined && `of a storage of ${bytes(tensor.storageBytes)}`,
  ].filter(Boolean);
  return parts.length ? parts.join("; ") : undefined;
}
