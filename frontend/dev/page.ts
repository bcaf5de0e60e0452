/** A page with every view on it, from sample payloads: `?only=run&theme=dark&live=1&tab=3&stream=1`. */

import { Frame } from "../src/frame";
import type { KernelMessage } from "../src/messages";
import { viewOf } from "../src/views";
import { SAMPLES, payload } from "./samples";

const query = new URLSearchParams(location.search);
const dark = query.get("theme") === "dark";
const only = query.get("only")?.split(",");

document.body.style.cssText = `margin:0;padding:16px;background:${dark ? "#0d1117" : "#fff"}`;
for (const [name, [view, data, actions]] of Object.entries(SAMPLES)) {
  if (only ? !only.includes(name) : name === "large" || name === "million") continue;
  const host = document.createElement("div");
  host.style.cssText = `margin:0 0 18px;max-width:${query.get("width") ?? "980"}px`;
  document.body.append(host);
  const frame = new Frame(host, viewOf(view)!, payload(view, data));
  if (query.get("live") !== "1") continue;
  let seq = 0;
  const receive = frame.attach({
    send(message) {
      const { type, token } = message as { type: string; token: string };
      if (type === "action") setTimeout(() => receive({ type: "reply", token, ok: false, problem: "The job digits is not running.", remedy: "See it with: mc job show digits" }), 150);
    },
  });
  receive({ type: "snapshot", seq, data, actions } as KernelMessage);
  if (query.get("stream") === "1" && view === "training_run") stream(name, (message, buffers) => receive(message, buffers), () => (seq += 1));
  const tab = query.get("tab");
  if (tab) host.querySelectorAll<HTMLElement>("[role=tab]")[Number(tab)]?.click();
  if (query.get("open") === "1") host.querySelectorAll("details").forEach((details) => (details.open = true));
  const search = host.querySelector<HTMLInputElement>("input[type=search]");
  if (search && query.get("search")) {
    search.value = query.get("search")!;
    search.dispatchEvent(new Event("input"));
  }
  if (query.get("press")) host.querySelector<HTMLElement>(".mc-actions button")?.click();
}

function stream(name: string, receive: (message: KernelMessage, buffers: ArrayBuffer[]) => void, next: () => number): void {
  let step = name === "million" ? 1_000_000 : 640;
  setInterval(() => {
    const values = new Float64Array(40);
    for (let index = 0; index < 20; index += 1) {
      values[index] = ++step;
      values[20 + index] = 0.2 + Math.random() * 0.1;
    }
    receive({ type: "points", seq: next(), series: [{ name: "train/loss", count: 20 }] }, [values.buffer]);
  }, 100);
}
