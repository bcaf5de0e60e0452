/** Buttons that ask the kernel to act: there only while the kernel offers the action, and quiet while it thinks. */

import { h } from "./dom";
import type { Stage } from "./stage";

export interface Action {
  action: string;
  label: string;
  kind?: "primary" | "danger";
  title?: string;
  values?: () => Record<string, unknown> | null;
}

/** A row of real buttons. Saved data offers no action, so the row is then empty and hidden. */
export class ActionButtons {
  readonly element = h("div", { class: "mc-actions", role: "group", "aria-label": "Actions" });
  private readonly buttons = new Map<string, HTMLButtonElement>();
  private readonly pending = new Set<string>();
  private stage: Stage<unknown> | undefined;
  private atWork: string | undefined;

  constructor(private readonly actions: readonly Action[]) {
    this.element.hidden = true;
  }

  /** Takes a new stage; `atWork` names the action that the kernel works on already, whoever asked for it. */
  update(stage: Stage<unknown>, atWork?: string): void {
    this.stage = stage;
    this.atWork = atWork;
    let previous: Element | null = null;
    for (const action of this.actions) {
      if (!stage.can(action.action)) {
        this.buttons.get(action.action)?.remove();
        continue;
      }
      const button = this.button(action);
      // Re-inserting a button that is already in place would take the focus away from it.
      const place: Element | null = previous ? previous.nextElementSibling : this.element.firstElementChild;
      if (place !== button) this.element.insertBefore(button, place);
      previous = button;
      this.mark(action.action, button);
    }
    this.element.hidden = previous === null;
  }

  private button(action: Action): HTMLButtonElement {
    let button = this.buttons.get(action.action);
    if (!button) {
      button = h("button", { type: "button", class: `mc-button ${action.kind ?? ""}`.trim(), title: action.title }, action.label);
      button.addEventListener("click", () => void this.press(action));
      this.buttons.set(action.action, button);
    }
    return button;
  }

  private async press(action: Action): Promise<void> {
    const button = this.buttons.get(action.action);
    const values = action.values ? action.values() : {};
    // aria-disabled keeps the focus where it is; `disabled` would throw it to the page's start.
    if (!button || !values || !this.stage || button.getAttribute("aria-disabled") === "true") return;
    this.pending.add(action.action);
    this.mark(action.action, button);
    try {
      await this.stage.act(action.action, values);
    } finally {
      this.pending.delete(action.action);
      this.mark(action.action, button);
    }
  }

  private mark(action: string, button: HTMLButtonElement): void {
    if (this.atWork !== undefined || this.pending.has(action)) button.setAttribute("aria-disabled", "true");
    else button.removeAttribute("aria-disabled");
  }
}

/** A set of choices of which one holds: radio semantics, arrow keys included. */
export function choice<T extends string>(label: string, options: readonly (readonly [T, string])[], value: T, chosen: (value: T) => void): HTMLElement {
  const group = h("div", { class: "mc-choice", role: "radiogroup", "aria-label": label });
  const buttons = options.map(([option, text]) => h("button", { type: "button", role: "radio", onclick: () => pick(option) }, text));
  const pick = (next: T, focus = false): void => {
    options.forEach(([option], index) => {
      buttons[index]!.setAttribute("aria-checked", String(option === next));
      buttons[index]!.tabIndex = option === next ? 0 : -1;
      if (focus && option === next) buttons[index]!.focus();
    });
    if (next !== value) {
      value = next;
      chosen(next);
    }
  };
  group.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    const index = options.findIndex(([option]) => option === value);
    pick(options[(index + move + options.length) % options.length]![0], true);
  });
  group.append(...buttons);
  pick(value);
  return group;
}
