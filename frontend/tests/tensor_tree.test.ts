import assert from "node:assert/strict";
import { test } from "node:test";
import type { Tensor } from "../src/messages";
import { buildTree, countMatches, groups, sortTree, visibleRows } from "../src/tensor_tree";

function tensor(name: string, ...shape: number[]): Tensor {
  return { name, dtype: "F32", shape, sizeBytes: shape.reduce((product, size) => product * size, 1) * 4 };
}

const TENSORS = [
  tensor("encoder.layer.10.weight", 10, 10),
  tensor("encoder.layer.2.weight", 2, 2),
  tensor("encoder.layer.2.bias", 2),
  tensor("head", 5),
];

function labels(order: "name" | "size", search = ""): string[] {
  const root = buildTree(TENSORS);
  sortTree(root, order);
  return visibleRows(root, new Set(groups(root)), search).map((row) => `${"  ".repeat(row.level - 1)}${row.node.label}`);
}

test("groups bear the sums of what they hold", () => {
  const root = buildTree(TENSORS);
  assert.deepEqual([root.tensors, root.parameters, root.bytes], [4, 111, 444]);
  const encoder = root.children.find((node) => node.label === "encoder.layer")!;
  assert.deepEqual([encoder.tensors, encoder.parameters, encoder.bytes], [3, 106, 424]);
});

test("names that don't branch share a row, and layer 2 comes before layer 10", () => {
  assert.deepEqual(labels("name"), ["encoder.layer", "  2", "    bias", "    weight", "  10.weight", "head"]);
});

test("the order by size puts the largest first on every level", () => {
  assert.deepEqual(labels("size"), ["encoder.layer", "  10.weight", "  2", "    weight", "    bias", "head"]);
});

test("closed groups hide what they hold, and a search opens the way to its matches alone", () => {
  const root = buildTree(TENSORS);
  assert.deepEqual(visibleRows(root, new Set()).map((row) => row.node.label), ["encoder.layer", "head"]);
  assert.deepEqual(labels("name", "BIAS"), ["encoder.layer", "  2", "    bias"]);
  assert.equal(countMatches(root, "weight"), 2);
  assert.deepEqual(labels("name", "nothing"), []);
});

test("a tensor that bears a group's name stands beside it", () => {
  const root = buildTree([tensor("a", 1), tensor("a.b", 1), tensor("a.c", 1)]);
  assert.deepEqual(root.children.map((node) => [node.label, node.tensors]), [["a", 1], ["a", 2]]);
});

test("rows know their place among their siblings", () => {
  const root = buildTree(TENSORS);
  const rows = visibleRows(root, new Set());
  assert.deepEqual(rows.map((row) => [row.level, row.position, row.siblings]), [[1, 1, 2], [1, 2, 2]]);
});

test("names like __proto__ and empty parts are names like any other", () => {
  const root = buildTree([tensor("__proto__.constructor", 2), tensor("..", 3)]);
  assert.equal(root.tensors, 2);
  assert.equal(root.parameters, 5);
});

test("fifty thousand tensors become a tree whose closed rows are few", () => {
  const root = buildTree(Array.from({ length: 50_000 }, (_, index) => tensor(`model.layers.${index % 100}.experts.${index}.weight`, 4)));
  assert.equal(root.tensors, 50_000);
  assert.equal(visibleRows(root, new Set()).length, 1);
});

test("a name of nothing but dots nests no deeper than a tree can be walked", () => {
  const root = buildTree([tensor(".".repeat(100_000), 1), tensor(`${".".repeat(100_000)}x`, 1)]);
  sortTree(root, "size");
  assert.equal(root.tensors, 2);
  assert.ok(Math.max(...visibleRows(root, new Set(groups(root))).map((row) => row.level)) <= 40);
});
