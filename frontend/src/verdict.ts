/** The verdict on a file and its reasons. Coloured only where a kernel of this session gave it. */

import { h } from "./dom";
import { whole } from "./format";
import type { Finding, Verdict } from "./messages";

const MEANING: Record<string, [tone: string, meaning: string]> = {
  weights: ["good", "Tensors and plain data, nothing else"],
  data: ["good", "Tensors, plain data and harmless containers"],
  objects: ["warn", "Holds objects that are only built and filled; they stay closed"],
  code: ["bad", "Another loader would run code from this file"],
  malformed: ["bad", "Not read: the file contradicts itself"],
  unsupported: ["muted", "Not read: no reader for this format"],
  "in memory": ["muted", "A live object: nothing was read from a file"],
};

export function badge(verdict: Verdict, live: boolean): HTMLElement {
  const [tone, meaning] = MEANING[verdict.level] ?? ["muted", ""];
  return h("span", { class: `mc-badge ${live ? tone : "saved"}`, title: meaning }, h("i", { "aria-hidden": "true" }), live ? verdict.level : `saved verdict: ${verdict.level}`);
}

export function meaning(level: string): string {
  return MEANING[level]?.[1] ?? "";
}

const MOST_FINDINGS = 50;

/** File, member and byte, as one would look it up in a hex viewer; the card's own file needs no name. */
function place(finding: Finding, path: string | undefined): string {
  const offset = finding.offset !== undefined && (finding.member || finding.offset > 0) ? `byte ${whole(finding.offset)}` : "";
  const within = [finding.member, offset].filter(Boolean).join(", ");
  const file = finding.where === path && within ? "" : (finding.where ?? "");
  return [file, within].filter(Boolean).join(" ▸ ");
}

export function findings(list: readonly Finding[], live: boolean, path?: string): HTMLElement | null {
  if (list.length === 0) return null;
  const items = list.slice(0, MOST_FINDINGS).map((finding) => {
    const tone = live ? (MEANING[finding.level]?.[0] ?? "muted") : "saved";
    return h(
      "li",
      { class: tone },
      h("span", { class: `mc-level ${tone}` }, finding.level),
      h("span", { class: "what" }, finding.what),
      finding.where && h("code", { class: "mc-place" }, place(finding, path)),
      finding.excerpt && h("code", { class: "mc-excerpt" }, finding.excerpt),
      finding.remedy && h("span", { class: "mc-muted mc-remedy" }, finding.remedy),
    );
  });
  if (list.length > MOST_FINDINGS) items.push(h("li", { class: "mc-muted" }, `and ${list.length - MOST_FINDINGS} more`));
  return h("ul", { class: "mc-findings", "aria-label": "Findings" }, ...items);
}
