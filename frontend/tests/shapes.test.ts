import assert from "node:assert/strict";
import { test } from "node:test";
import { type Check, modelCardData, refusalData, registryData, serverData, trainingRunData } from "../src/shapes";

const CARD = {
  name: "net", format: "safetensors", parameterCount: 1, dtypes: { F32: 1 }, sizeBytes: 4, tensorCount: 1,
  verdict: { level: "code", findings: [{ level: "code", what: "It calls os.system." }] },
  tensors: [{ name: "a", dtype: "F32", shape: [1], sizeBytes: 4 }],
  tree: { key: "", kind: "dict", children: [{ key: "a", kind: "tensor" }] },
};
const RUN = { job: { id: "r", name: "r", state: "running", step: 1 }, series: [], events: [], checkpoints: [] };
const TOTALS = { models: 0, jobs: 0, checkpoints: 0, bytes: 0, reclaimableBytes: 0 };
const REGISTRY = { models: [], jobs: [], checkpoints: [], storage: [], totals: TOTALS };
const SERVER = { state: "running", profile: "assistant", tools: [] };
const REFUSAL = { problem: "It lies outside.", remedy: "Allow it." };

const VIEWS: [string, Check<object>, object][] = [
  ["card", modelCardData, CARD], ["run", trainingRunData, RUN], ["registry", registryData, REGISTRY],
  ["server", serverData, SERVER], ["refusal", refusalData, REFUSAL],
];
const STRANGE: readonly unknown[] = [null, 7, "text", true, [], {}, [[]], [null], [7], { toString: 7 }, "x".repeat(10_000)];

test("what a kernel writes gets through as it is, with null for what is absent", () => {
  for (const [name, check, data] of VIEWS) assert.deepEqual(check(data, ""), data, name);
  assert.deepEqual(modelCardData({ ...CARD, license: null, extra: 1 }, ""), CARD);
});

/** Every value within, by the keys that lead to it. */
function places(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, one]) => places(one, [...path, key]))];
}

function changed(value: unknown, path: readonly string[], to: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return to;
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string, unknown>;
  copy[key] = changed(copy[key], rest, to);
  return copy;
}

test("whatever stands in place of any value, the outcome is data of that shape or a sentence that names the place", () => {
  for (const [name, check, data] of VIEWS) {
    for (const path of places(data)) {
      for (const strange of STRANGE) {
        const forged = changed(data, path, strange);
        try {
          assert.deepEqual(check(check(forged, ""), ""), check(forged, ""), `${name} ${path.join(".")}`);
        } catch (error) {
          assert.ok(error instanceof TypeError && /isn't (a|an|true|at most)/.test(error.message), `${name} ${path.join(".")}: ${String(error)}`);
        }
      }
    }
  }
});

test("wrong types in a card are refused, each in its place", () => {
  const told = (data: object): string => {
    try {
      modelCardData(data, "");
    } catch (error) {
      return (error as Error).message;
    }
    return "drawn";
  };
  assert.equal(told({ ...CARD, tree: "a text" }), "a value of the tree isn't an object");
  assert.equal(told({ ...CARD, tree: { key: "", kind: "dict", children: 7 } }), "a value of the tree.children isn't a list");
  assert.equal(told({ ...CARD, verdict: { level: "code", findings: null } }), "verdict.findings isn't a list");
  assert.equal(told({ ...CARD, parameterCount: JSON.parse("1e999") }), "parameterCount isn't a number");
  assert.equal(told([]), "the data isn't an object");
});

test("a tree without end is refused before it is drawn, and one of some depth is not", () => {
  const nested = (depth: number): object => JSON.parse(`${'{"key":"","kind":"dict","children":['.repeat(depth)}${"]}".repeat(depth)}`);
  assert.throws(() => modelCardData({ ...CARD, tree: nested(10_000) }, ""), /at most 200 levels deep/);
  assert.ok(modelCardData({ ...CARD, tree: nested(30) }, ""));
});

test("a step so large that counting stands still is refused", () => {
  assert.throws(() => trainingRunData({ ...RUN, job: { ...RUN.job, step: 1e17 } }, ""), /job.step isn't a step/);
  const series = { name: "loss", count: 1, steps: [1e300], values: [1] };
  assert.throws(() => trainingRunData({ ...RUN, series: [series] }, ""), /series\[0\].steps\[0\] isn't a step/);
});

test("a key that names an object's own insides stays a key", () => {
  const data = JSON.parse(JSON.stringify({ ...CARD, metadata: {} }).replace('"metadata":{}', '"metadata":{"__proto__":{"polluted":1}}'));
  const { metadata } = modelCardData(data, "") as unknown as { metadata: Record<string, unknown> };
  assert.deepEqual(Object.keys(metadata), ["__proto__"]);
  assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
});
