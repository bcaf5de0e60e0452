/** The live protocol, without a page and without Jupyter: sequence numbers, acknowledgements, replies. */

import type { FactsMessage, KernelMessage, PointsMessage, ReplyMessage, SnapshotMessage } from "./messages";
import { type Delta, decodePoints } from "./points";
import type { Link } from "./stage";

export type Buffers = readonly (ArrayBuffer | ArrayBufferView)[];

export interface Listener {
  snapshot(data: object, actions: readonly string[]): void;
  facts(data: object, actions: readonly string[] | undefined): void;
  points(deltas: readonly Delta[]): void;
  lost(): void;
}

export interface Outcome {
  ok: boolean;
  text?: string;
  problem?: string;
  remedy?: string;
}

/** Clocks are handed in so that a test waits for nothing. */
export interface Clock {
  after(milliseconds: number, call: () => void): () => void;
}

export const realClock: Clock = {
  after(milliseconds, call) {
    const timer = setTimeout(call, milliseconds);
    return () => clearTimeout(timer);
  },
};

const ACK_EVERY = 1000;
const RECEIVED_WITHIN = 1000;
const REPLY_WITHIN = 15_000;

const SILENT: Outcome = {
  ok: false,
  problem: "The kernel has not answered yet: it may be busy with a cell.",
  remedy: "The request stays in its queue; wait, or interrupt the kernel with the square in the toolbar.",
};

const GONE: Outcome = {
  ok: false,
  problem: "The kernel went away before it answered.",
  remedy: "Run the cell again to get a live view.",
};

interface Pending {
  resolve(outcome: Outcome): void;
  received(): void;
}

export class Session {
  private seq: number | undefined;
  private acked = -1;
  private asking = false;
  private ended = false;
  private stopAck: (() => void) | undefined;
  private readonly pending = new Map<string, Pending>();
  private tokens = 0;

  constructor(
    private readonly link: Link,
    private readonly listener: Listener,
    private readonly clock: Clock = realClock,
  ) {}

  get live(): boolean {
    return this.seq !== undefined && !this.ended;
  }

  receive(message: KernelMessage, buffers: Buffers = []): void {
    if (this.ended) return;
    if (message.type === "snapshot") this.snapshot(message);
    else if (message.type === "points" || message.type === "facts") this.delta(message, buffers);
    else if (message.type === "reply") this.reply(message);
    else if (message.type === "received") this.pending.get(message.token)?.received();
    else if (message.type === "refused") this.end();
  }

  /** Sends an action and waits for its reply: not long for a sign of the kernel, then as long as that works on it. `unheard` is called when the kernel doesn't even take notice. */
  act(action: string, values: Record<string, unknown>, unheard?: () => void): Promise<Outcome> {
    if (!this.live) return Promise.resolve(GONE);
    this.tokens += 1;
    const token = `${Date.now().toString(36)}-${this.tokens}`;
    return new Promise((resolve) => {
      const hush = unheard ? this.clock.after(RECEIVED_WITHIN, unheard) : () => {};
      const late = this.clock.after(REPLY_WITHIN, () => settle(SILENT));
      const settle = (outcome: Outcome): void => {
        hush();
        late();
        this.pending.delete(token);
        resolve(outcome);
      };
      const received = (): void => {
        hush();
        late();
      };
      this.pending.set(token, { resolve: settle, received });
      this.link.send({ type: "action", token, action, arguments: values });
    });
  }

  /** The kernel or its wire is gone: open requests end, later messages are ignored. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.stopAck?.();
    for (const waiting of [...this.pending.values()]) waiting.resolve(GONE);
    this.listener.lost();
  }

  private snapshot(message: SnapshotMessage): void {
    this.asking = false;
    this.advance(message.seq);
    this.listener.snapshot(message.data, message.actions);
  }

  private delta(message: PointsMessage | FactsMessage, buffers: Buffers): void {
    if (this.seq === undefined || this.asking || message.seq <= this.seq) return;
    if (message.seq !== this.seq + 1) {
      this.ask();
      return;
    }
    if (message.type === "facts") {
      this.advance(message.seq);
      this.listener.facts(message.data, message.actions);
      return;
    }
    this.points(message, buffers);
  }

  private points(message: PointsMessage, buffers: Buffers): void {
    const buffer = buffers[0];
    let deltas: Delta[];
    try {
      deltas = decodePoints(message.series, buffer ?? new ArrayBuffer(0));
    } catch {
      // A delta that doesn't add up is as good as a missing one: the next snapshot holds the truth.
      this.ask();
      return;
    }
    this.advance(message.seq);
    this.listener.points(deltas);
  }

  private ask(): void {
    this.asking = true;
    this.link.send({ type: "ask" });
  }

  private reply(message: ReplyMessage): void {
    this.pending.get(message.token)?.resolve(message);
  }

  private advance(seq: number): void {
    this.seq = seq;
    this.stopAck ??= this.clock.after(ACK_EVERY, () => {
      this.stopAck = undefined;
      if (this.ended || this.seq === undefined || this.seq === this.acked) return;
      this.acked = this.seq;
      this.link.send({ type: "ack", seq: this.seq });
    });
  }
}

/** A client's id for one opened view. `crypto.randomUUID` exists on secure pages only, and Lab is often plain HTTP. */
export function clientId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
