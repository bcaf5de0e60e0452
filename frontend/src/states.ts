/** A job's state as a chip: coloured where a kernel tells it now, plainly past where a file remembers it. */

import { h } from "./dom";

const TONES: Record<string, string> = {
  queued: "muted",
  running: "run",
  paused: "warn",
  completed: "good",
  failed: "bad",
  cancelled: "muted",
  interrupted: "warn",
};

/** States in which a run would still move: a saved one may have gone on since. */
const MOVING = new Set(["queued", "running", "paused"]);

export function stateChip(state: string, live: boolean): HTMLElement {
  const saved = !live && MOVING.has(state);
  const tone = live || !saved ? (TONES[state] ?? "muted") : "saved";
  return h("span", { class: `mc-badge ${live ? tone : "saved"}` }, h("i", { "aria-hidden": "true" }), saved ? `${state} when saved` : state);
}
