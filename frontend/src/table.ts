/** A sortable table of facts: real cells, a header that is a button, rows in bounded number. */

import { type Child, append, h, replace } from "./dom";
import { plural } from "./format";

export interface Column<R> {
  label: string;
  cell(row: R): Child;
  /** What the column sorts by; a column without it doesn't sort. */
  key?(row: R): string | number | undefined;
  numeric?: boolean;
  title?(row: R): string | undefined;
}

const natural = new Intl.Collator("en", { numeric: true });

/** Rows that are drawn before "Show more": a registry of thousands stays quick. */
const PAGE = 50;

export class Table<R> {
  readonly element = h("div", { class: "mc-table-scroll", tabindex: "0" });
  private readonly body = h("tbody");
  private readonly head = h("tr");
  private readonly more = h("button", { type: "button", class: "mc-plain mc-more" });
  private rows: readonly R[] = [];
  private sortBy = -1;
  private descending = false;
  private limit = PAGE;

  constructor(
    caption: string,
    private readonly columns: readonly Column<R>[],
    private readonly empty: string,
  ) {
    this.element.setAttribute("role", "region");
    this.element.setAttribute("aria-label", caption);
    this.element.append(h("table", { class: "mc-table", "aria-label": caption }, h("thead", {}, this.head), this.body), this.more);
    this.more.addEventListener("click", () => {
      this.limit += PAGE * 4;
      this.draw();
    });
    this.columns.forEach((column, index) => this.head.append(this.header(column, index)));
  }

  update(rows: readonly R[]): void {
    this.rows = rows;
    this.draw();
  }

  private header(column: Column<R>, index: number): HTMLElement {
    const cell = h("th", { scope: "col", class: column.numeric ? "num" : "" });
    if (!column.key) {
      append(cell, [column.label]);
      return cell;
    }
    cell.append(h("button", { type: "button", class: "mc-sort", onclick: () => this.sort(index) }, column.label));
    return cell;
  }

  private sort(index: number): void {
    // Numbers are looked at from the largest, names from the start of the alphabet.
    this.descending = this.sortBy === index ? !this.descending : Boolean(this.columns[index]!.numeric);
    this.sortBy = index;
    this.draw();
  }

  private ordered(): readonly R[] {
    const key = this.columns[this.sortBy]?.key;
    if (!key) return this.rows;
    const sign = this.descending ? -1 : 1;
    return [...this.rows].sort((a, b) => {
      const [x, y] = [key(a), key(b)];
      if (x === undefined || y === undefined) return Number(x === undefined) - Number(y === undefined);
      return sign * (typeof x === "number" && typeof y === "number" ? x - y : natural.compare(String(x), String(y)));
    });
  }

  private draw(): void {
    [...this.head.children].forEach((cell, index) => {
      if (index === this.sortBy) cell.setAttribute("aria-sort", this.descending ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    });
    const rows = this.ordered().slice(0, this.limit);
    replace(this.body, ...rows.map((row) => this.row(row)));
    if (this.rows.length === 0) {
      this.body.append(h("tr", {}, h("td", { colspan: this.columns.length, class: "mc-empty" }, this.empty)));
    }
    const rest = this.rows.length - rows.length;
    this.more.hidden = rest <= 0;
    this.more.textContent = `Show more (${plural(rest, "row")} left)`;
  }

  private row(row: R): HTMLElement {
    const cells = this.columns.map((column) => {
      const title = column.title?.(row);
      return h("td", { class: column.numeric ? "num" : "", title }, column.cell(row));
    });
    return h("tr", {}, ...cells);
  }
}
