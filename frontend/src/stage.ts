/** What a view is given and what it gives back: the seam between the views and whatever carries their messages. */

import type { ViewName } from "./messages";
import type { Delta } from "./points";
import type { Check } from "./shapes";

/** The data to draw, and what may be done with it. Saved data can nothing. */
export interface Stage<D> {
  readonly data: D;
  /** Whether a kernel of this session confirmed the object and sent this data. */
  readonly live: boolean;
  readonly root: HTMLElement;
  can(action: string): boolean;
  /** Asks the kernel to act; the promise ends when it answered, and a refusal has been shown by then. */
  act(action: string, values?: Record<string, unknown>): Promise<void>;
}

export interface Drawn<D> {
  /** New data or a new stage; `changed` names the top-level keys that differ. */
  update(stage: Stage<D>, changed: ReadonlySet<string>): void;
  points?(deltas: readonly Delta[]): void;
  themed?(): void;
  dispose(): void;
}

export interface View<D> {
  readonly name: ViewName;
  /** What a screen reader calls the whole. */
  readonly title: string;
  /** Saved data as it may be drawn; throws where it is of another shape. */
  readonly check: Check<object>;
  draw(body: HTMLElement, stage: Stage<D>): Drawn<D>;
}

/** The wire to one kernel, as a view's session sees it. */
export interface Link {
  send(message: object): void;
  /** Interrupts the kernel's main thread, where the place has a handle on it. */
  interrupt?(): Promise<void>;
}
