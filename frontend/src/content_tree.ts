/** Everything that a file holds, as a tree of plain lines: only what is open exists in the page. */

import { h } from "./dom";
import type { TreeNode } from "./messages";

const OPEN_TO = 1;

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
  const items = children.map((child) => h("li", {}, line(child, depth + 1)));
  if (node.omitted) items.push(h("li", { class: "mc-muted" }, `and ${node.omitted} more`));
  return h("ul", { class: "mc-values" }, ...items);
}

function line(node: TreeNode, depth: number): HTMLElement {
  const label = [h("code", {}, node.key), " ", h("span", { class: "mc-muted" }, node.kind), " ", h("span", { class: "mc-value" }, node.text ?? "")];
  if (!node.children?.length) return h("span", {}, ...label);
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
