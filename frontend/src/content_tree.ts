/** Everything that a file holds, as a tree of plain lines: only what is open exists in the page. */

import { h } from "./dom";
import { whole } from "./format";
import type { TreeNode } from "./messages";

const OPEN_TO = 1;
const EMPTY = new Set(["{}", "[]", "()", "None"]);
const MOST_CHILDREN = 200;

export function contentTree(root: TreeNode): HTMLElement {
  return h(
    "details",
    { class: "mc-content" },
    h("summary", {}, "Everything in the file ", h("span", { class: "mc-muted" }, `${root.kind}, ${root.text ?? ""}`)),
    branch(root, 0),
  );
}

function branch(node: TreeNode, depth: number): HTMLElement {
  const children = node.children ?? [];
  const told = children.filter((child) => !isEmptyAttribute(child));
  const items = told.slice(0, MOST_CHILDREN).map((child) => h("li", {}, line(child, depth + 1)));
  const empty = children.length - told.length;
  const rest = (node.omitted ?? 0) + told.length - items.length;
  if (empty > 0) items.push(h("li", { class: "mc-muted" }, `and ${whole(empty)} that hold nothing`));
  if (rest > 0) items.push(h("li", { class: "mc-muted" }, `and ${whole(rest)} more`));
  return h("ul", { class: "mc-values" }, ...items);
}

/** One of the many hooks that each module bears and hardly ever uses. */
function isEmptyAttribute(node: TreeNode): boolean {
  return node.key.startsWith("_") && !node.children?.length && EMPTY.has(node.text ?? "");
}

function line(node: TreeNode, depth: number): HTMLElement {
  const label = [h("code", {}, node.key), " ", h("span", { class: "mc-muted" }, node.kind), " ", h("span", { class: "mc-value" }, node.text ?? "")];
  if (!node.children?.length) return h("div", { class: "mc-leaf" }, ...label);
  const inner = h("details", {}, h("summary", {}, ...label));
  const fill = (): void => {
    if (inner.childElementCount === 1) inner.append(branch(node, depth));
  };
  inner.addEventListener("toggle", fill, { once: true });
  if (depth <= OPEN_TO && node.children.length <= 20) {
    fill();
    inner.open = true;
  }
  return inner;
}
