/** The frame around every view: status line, error box, theme, and the change from saved to live and back. */

import { h, replace, say } from "./dom";
import { moment } from "./format";
import { type KernelMessage, type Payload, SCHEMA } from "./messages";
import type { Delta } from "./points";
import { type Buffers, type Clock, type Outcome, Session, realClock } from "./session";
import type { Drawn, Link, Stage, View } from "./stage";
import css from "./style.css";
import { isDark, watchTheme } from "./theme";

export class Frame {
  readonly root: HTMLElement;
  private readonly status = h("div", { class: "mc-status", role: "status" });
  private readonly body = h("div", { class: "mc-body" });
  private readonly errors = h("div", { class: "mc-errors", role: "alert" });
  private readonly stopTheme: () => void;
  private drawn: Drawn<object> | undefined;
  private session: Session | undefined;
  private link: Link | undefined;
  private data: object = {};
  private actions: readonly string[] = [];

  constructor(
    host: HTMLElement,
    private readonly view: View<never>,
    private payload: Payload,
    private readonly clock: Clock = realClock,
  ) {
    const style = document.createElement("style");
    style.textContent = css;
    this.root = h("div", { class: `mc mc-${view.name}`, role: "region", "aria-label": view.title });
    // Letters typed here belong to the search box and arrows to the tree, not to the notebook's shortcuts.
    this.root.dataset["lmSuppressShortcuts"] = "true";
    this.root.append(style, this.status, this.body, this.errors);
    host.append(this.root);
    this.theme();
    // Most places attach the host after this: what stands behind the view is known a frame later.
    requestAnimationFrame(() => this.theme());
    this.stopTheme = watchTheme(() => this.theme());
    this.draw();
  }

  get live(): boolean {
    return this.session?.live ?? false;
  }

  /** A newer output for the same object: news where the view stands on saved data, nothing where it is live. */
  saved(payload: Payload): void {
    this.payload = payload;
    if (this.live) return;
    this.guarded(() => {
      this.data = this.read();
      this.refresh(new Set(Object.keys(this.data)));
    });
  }

  /** Saved data in the shape that its view draws; a newer version's, or a stranger's, may be anything. */
  private read(): object {
    if (this.payload?._schema !== SCHEMA) throw new Error(`schema ${String(this.payload?._schema)} is not ${SCHEMA}`);
    return this.view.check(this.payload.data, "");
  }

  /** A wire to the kernel opens. Nothing changes to the eye until a snapshot has come over it. */
  attach(link: Link): (message: KernelMessage, buffers?: Buffers) => void {
    this.detach();
    const session = new Session(
      link,
      {
        snapshot: (data, actions) => this.snapshot(data, actions),
        facts: (data, actions) => this.facts(data, actions),
        points: (deltas) => this.points(deltas),
        lost: () => this.lost(session),
      },
      this.clock,
    );
    this.session = session;
    this.link = link;
    return (message, buffers) => session.receive(message, buffers);
  }

  detach(): void {
    this.session?.end();
  }

  dispose(): void {
    this.detach();
    this.stopTheme();
    this.drawn?.dispose();
    this.drawn = undefined;
    this.root.remove();
  }

  private snapshot(data: object, actions: readonly string[]): void {
    this.data = data;
    this.actions = actions;
    this.refresh(new Set([...Object.keys(data), "live"]));
  }

  private facts(data: object, actions: readonly string[] | undefined): void {
    this.data = { ...this.data, ...data };
    const changed = new Set(Object.keys(data));
    if (actions) {
      this.actions = actions;
      changed.add("live");
    }
    this.refresh(changed);
  }

  private points(deltas: readonly Delta[]): void {
    this.guarded(() => this.drawn?.points?.(deltas));
  }

  private lost(session: Session): void {
    if (session !== this.session) return;
    this.session = undefined;
    this.link = undefined;
    this.actions = [];
    this.refresh(new Set([...Object.keys(this.data), "live"]));
  }

  private stage(): Stage<object> {
    return {
      data: this.data,
      live: this.live,
      root: this.root,
      can: (action) => this.live && this.actions.includes(action),
      act: (action, values = {}) => this.act(action, values),
    };
  }

  private async act(action: string, values: Record<string, unknown>): Promise<void> {
    this.errors.replaceChildren();
    const unheard = action === "cancel" ? this.unheardStop() : undefined;
    const outcome = (await this.session?.act(action, values, unheard)) ?? { ok: false };
    this.show(outcome);
  }

  /** Stop of a loop in the main cell must not wait for the cell. A background run is never interrupted: the cell is somebody else's. */
  private unheardStop(): (() => void) | undefined {
    const job = (this.data as { job?: { inMainCell?: boolean } }).job;
    const interrupt = this.link?.interrupt;
    if (!job?.inMainCell) return undefined;
    if (interrupt) return () => void interrupt();
    return () =>
      this.show({
        ok: false,
        problem: "The kernel is busy with the cell that trains.",
        remedy: "Interrupt it (the square in the toolbar): the run saves a checkpoint and ends at its next step.",
      });
  }

  private show(outcome: Outcome): void {
    if (outcome.ok && !outcome.text) return;
    const close = h("button", { class: "mc-plain", "aria-label": "Dismiss", onclick: () => this.errors.replaceChildren() }, "×");
    const text = outcome.ok
      ? [h("span", {}, outcome.text ?? "")]
      : [h("strong", {}, outcome.problem ?? "The kernel refused."), " ", h("span", {}, outcome.remedy ?? "")];
    replace(this.errors, h("div", { class: outcome.ok ? "mc-note" : "mc-error" }, h("p", {}, ...text), close));
  }

  private draw(): void {
    this.line();
    // What an earlier attempt left half drawn would stand beside this one.
    this.body.replaceChildren();
    this.guarded(() => {
      if (!this.live) this.data = this.read();
      this.drawn = (this.view as unknown as View<object>).draw(this.body, this.stage());
    });
  }

  private refresh(changed: ReadonlySet<string>): void {
    this.line();
    if (!this.drawn) this.draw();
    else this.guarded(() => this.drawn?.update(this.stage(), changed));
  }

  private line(): void {
    const live = this.live;
    this.root.dataset["live"] = String(live);
    say(this.status, live ? "live" : "saved output, not checked here");
    this.status.title = live ? "Connected to the kernel that made this" : `Saved ${moment(this.payload?.savedAt)}`;
  }

  /** A stranger's data may be of any shape: a view that can't draw it says so in its place. */
  private guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      console.error("modelcypher_nb:", error);
      if (!this.drawn) this.body.replaceChildren();
      this.show({
        ok: false,
        problem: `This output can't be drawn (${error instanceof Error ? error.message : String(error)}).`,
        remedy: "Run its cell again to draw it afresh.",
      });
    }
  }

  private theme(): void {
    this.root.dataset["theme"] = isDark(this.root) ? "dark" : "light";
    this.guarded(() => this.drawn?.themed?.());
  }
}
