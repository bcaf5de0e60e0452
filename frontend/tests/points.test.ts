import assert from "node:assert/strict";
import { test } from "node:test";
import { Growable, Track, decodePoints } from "../src/points";

/** What the kernel sends: for each series its steps, then its values, little endian. */
function packed(values: number[], offset = 0): DataView {
  const buffer = new ArrayBuffer(offset + values.length * 8);
  const view = new DataView(buffer, offset);
  values.forEach((value, index) => view.setFloat64(index * 8, value, true));
  return view;
}

test("a delta of two series comes apart as it was packed, at any offset in its frame", () => {
  const entries = [
    { name: "train/loss", count: 2 },
    { name: "eval/loss", count: 1 },
  ];
  for (const offset of [0, 3, 8]) {
    const [loss, evaluation] = decodePoints(entries, packed([1, 2, 0.5, Number.NaN, 2, 0.75], offset));
    assert.deepEqual([...loss!.steps], [1, 2]);
    assert.deepEqual([...loss!.values], [0.5, Number.NaN]);
    assert.deepEqual([evaluation!.name, [...evaluation!.steps], [...evaluation!.values]], ["eval/loss", [2], [0.75]]);
  }
});

test("a delta whose bytes don't match its announcement is refused", () => {
  assert.throws(() => decodePoints([{ name: "loss", count: 2 }], packed([1, 2, 3])), RangeError);
  assert.throws(() => decodePoints([{ name: "loss", count: -1 }], packed([])), RangeError);
  assert.throws(() => decodePoints([{ name: "loss", count: 0.5 }], packed([1])), RangeError);
});

test("values keep their order while the array grows", () => {
  const values = new Growable(1);
  values.push(0);
  values.append(Float64Array.from({ length: 500 }, (_, index) => index + 1));
  assert.equal(values.length, 501);
  assert.ok(values.view().every((value, index) => value === index));
});

test("a resumed run's earlier step moves what lay after it to the superseded points", () => {
  const track = Track.from({ name: "loss", count: 4, steps: [1, 2, 3, 4], values: [4, 3, 2, 1] });
  track.append(Float64Array.of(3, 4, 5), Float64Array.of(2.5, 1.5, 0.5));
  assert.deepEqual([...track.steps.view()], [1, 2, 3, 4, 5]);
  assert.deepEqual([...track.values.view()], [4, 3, 2.5, 1.5, 0.5]);
  assert.deepEqual([...track.oldSteps.view()], [3, 4]);
  assert.deepEqual([...track.oldValues.view()], [2, 1]);
});

test("a saved series brings its band, its gaps and the number of raw points behind it", () => {
  const track = Track.from({ name: "loss", count: 9000, steps: [1, 2], values: [null, 2], low: [null, 1], high: [null, 3] });
  assert.equal(track.count, 9000);
  assert.ok(Number.isNaN(track.values.view()[0]));
  assert.deepEqual([track.low.view()[1], track.high.view()[1]], [1, 3]);
});
