/** Tensors grouped by their dotted names, with totals, order and search; pure, so that fifty thousand of them stay quick. */

import type { Tensor } from "./messages";

export interface Node {
  /** The whole dotted name: what identifies the node. */
  path: string;
  /** What its row shows: one part of the name, or several where nothing branches. */
  label: string;
  children: Node[];
  tensor?: Tensor;
  tensors: number;
  parameters: number;
  bytes: number;
}

export interface Row {
  node: Node;
  level: number;
  /** Position among its siblings and their number, for assistive technology. */
  position: number;
  siblings: number;
}

export type Order = "name" | "size";

const DEEPEST = 40;

const natural = new Intl.Collator("en", { numeric: true });

export function elements(tensor: Tensor): number {
  return tensor.shape.reduce((product, size) => product * size, 1);
}

export function buildTree(tensors: readonly Tensor[]): Node {
  const root = group("", "");
  const index = new Map<string, Node>();
  for (const tensor of tensors) {
    let parent = root;
    const parts = nameParts(tensor.name);
    for (let depth = 1; depth < parts.length; depth += 1) {
      parent = child(parent, index, parts.slice(0, depth).join("."), parts[depth - 1]!);
    }
    parent.children.push(leaf(tensor, parts[parts.length - 1]!));
  }
  total(root);
  root.children = root.children.map(join);
  return root;
}

/** A name of nothing but dots would nest without end: what lies deeper stays one part. */
function nameParts(name: string): string[] {
  const parts = name.split(".");
  return parts.length <= DEEPEST ? parts : [...parts.slice(0, DEEPEST - 1), parts.slice(DEEPEST - 1).join(".")];
}

function group(path: string, label: string): Node {
  return { path, label, children: [], tensors: 0, parameters: 0, bytes: 0 };
}

function leaf(tensor: Tensor, label: string): Node {
  return { path: tensor.name, label, children: [], tensor, tensors: 1, parameters: elements(tensor), bytes: tensor.sizeBytes };
}

function child(parent: Node, index: Map<string, Node>, path: string, label: string): Node {
  let node = index.get(path);
  if (!node) {
    node = group(path, label);
    index.set(path, node);
    parent.children.push(node);
  }
  return node;
}

function total(node: Node): void {
  for (const next of node.children) {
    if (!next.tensor) total(next);
    node.tensors += next.tensors;
    node.parameters += next.parameters;
    node.bytes += next.bytes;
  }
}

/** `encoder` that holds only `layer` becomes one row, `encoder.layer`; `norm` that holds only `weight` becomes that tensor's row. */
function join(node: Node): Node {
  let joined = node;
  while (joined.children.length === 1) {
    const only = joined.children[0]!;
    joined = { ...only, label: `${joined.label}.${only.label}` };
  }
  return { ...joined, children: joined.children.map(join) };
}

export function sortTree(node: Node, order: Order): void {
  const compare =
    order === "size"
      ? (a: Node, b: Node) => b.bytes - a.bytes || natural.compare(a.label, b.label)
      : (a: Node, b: Node) => natural.compare(a.label, b.label);
  node.children.sort(compare);
  for (const next of node.children) if (!next.tensor) sortTree(next, order);
}

/** The rows that are open to view. A search opens the way to every match and shows nothing else. */
export function visibleRows(root: Node, open: ReadonlySet<string>, search = ""): Row[] {
  const rows: Row[] = [];
  const wanted = search.trim().toLowerCase();
  const walk = (parent: Node, level: number): void => {
    const shown = wanted ? parent.children.filter((node) => matches(node, wanted)) : parent.children;
    shown.forEach((node, index) => {
      rows.push({ node, level, position: index + 1, siblings: shown.length });
      if (!node.tensor && (wanted !== "" || open.has(node.path))) walk(node, level + 1);
    });
  };
  walk(root, 1);
  return rows;
}

function matches(node: Node, wanted: string): boolean {
  return node.tensor ? node.path.toLowerCase().includes(wanted) : node.children.some((next) => matches(next, wanted));
}

export function countMatches(root: Node, search: string): number {
  const wanted = search.trim().toLowerCase();
  const count = (node: Node): number => {
    if (node.tensor) return node.path.toLowerCase().includes(wanted) ? 1 : 0;
    return node.children.reduce((sum, next) => sum + count(next), 0);
  };
  return count(root);
}

/** Every group's path, for "expand all". */
export function groups(root: Node): string[] {
  return root.children.flatMap((node) => (node.tensor ? [] : [node.path, ...groups(node)]));
}
