/** The verdict on a file and its reasons. Coloured only where a kernel of this session gave it. */

import { type Child, h } from "./dom";
import { plural, whole } from "./format";
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

export function isGood(level: string): boolean {
  return MEANING[level]?.[0] === "good";
}

export function meaning(level: string): string {
  return MEANING[level]?.[1] ?? "";
}

const MOST_FINDINGS = 50;

/** File, member and byte, as one would look it up in a hex viewer; the card's own path isn't said again. */
function place(finding: Finding, path: string | undefined): string {
  const offset = finding.offset !== undefined && (finding.member || finding.offset > 0) ? `byte ${whole(finding.offset)}` : "";
  const within = [finding.member, offset].filter(Boolean).join(", ");
  const where = finding.where ?? "";
  const file = where === path && within ? "" : path && where.startsWith(`${path}/`) ? where.slice(path.length + 1) : where;
  return [file, within].filter(Boolean).join(" ▸ ");
}

/** What a reader must see stands open; remarks on what is harmless fold away, so that nothing cries wolf. */
export function reasons(list: readonly Finding[], live: boolean, path?: string): Child[] {
  const remarks = list.filter((finding) => isGood(finding.level));
  const serious = list.filter((finding) => !isGood(finding.level));
  return [
    findings(serious, live, path),
    remarks.length > 0 && h("details", {}, h("summary", {}, plural(remarks.length, "remark")), findings(remarks, live, path)),
  ];
}

function findings(list: readonly Finding[], live: boolean, path?: string): HTMLElement | null {
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
