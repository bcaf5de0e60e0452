/** A long action under way: what it does and how far it is. */

import { h, say } from "./dom";
import { bytes, percent } from "./format";
import type { Work } from "./messages";

const DOING: Record<string, string> = { convert: "Converting", digest: "Computing the digest", register: "Registering", verify: "Verifying" };

export class WorkLine {
  private readonly label = h("span", { class: "mc-muted" });
  private readonly fill = h("b");
  private readonly bar = h("div", { class: "mc-progress", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100 }, this.fill);
  readonly element = h("div", { class: "mc-work", hidden: true }, this.label, this.bar);

  update(work: Work | null | undefined): void {
    this.element.hidden = !work;
    if (!work) return;
    const doing = DOING[work.action] ?? work.action;
    const share = work.total > 0 ? Math.min(1, work.done / work.total) : undefined;
    say(this.label, share === undefined ? `${doing} …` : `${doing}: ${percent(share)} of ${bytes(work.total)}`);
    this.bar.setAttribute("aria-label", doing);
    this.bar.classList.toggle("unknown", share === undefined);
    this.fill.style.width = share === undefined ? "" : `${(share * 100).toFixed(1)}%`;
    // A screen reader takes a bar without a value for one that nobody knows the end of.
    if (share === undefined) this.bar.removeAttribute("aria-valuenow");
    else this.bar.setAttribute("aria-valuenow", (share * 100).toFixed(0));
  }
}
