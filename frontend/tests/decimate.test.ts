import assert from "node:assert/strict";
import { test } from "node:test";
import { type Columns, Smoother, minMax } from "../src/decimate";

function columns(length: number, value: (index: number) => number): Columns {
  const steps = Float64Array.from({ length }, (_, index) => index + 1);
  const values = Float64Array.from({ length }, (_, index) => value(index));
  return { steps, values, low: values, high: values };
}

test("one spike in a million points survives in the band", () => {
  const drawn = minMax(columns(1_000_000, (index) => (index === 314_159 ? 99 : 1)), 800);
  assert.equal(drawn.steps.length, 800);
  assert.equal(Math.max(...drawn.high), 99);
  assert.equal(Math.min(...drawn.low), 1);
});

test("every raw value lies inside the band of its bucket and no point is lost", () => {
  const raw = columns(10_007, (index) => Math.sin(index * 12.9898) * 43);
  const drawn = minMax(raw, 100);
  let bucket = 0;
  raw.steps.forEach((step, index) => {
    while (drawn.steps[bucket]! < step) bucket += 1;
    assert.ok(drawn.low[bucket]! <= raw.values[index]! && raw.values[index]! <= drawn.high[bucket]!);
  });
  assert.equal(drawn.steps[99], 10_007);
});

test("few points stay as they are, and a range takes its own alone", () => {
  const raw = columns(50, (index) => index);
  assert.deepEqual([...minMax(raw, 100).values], [...raw.values]);
  assert.deepEqual([...minMax(raw, 100, 10, 12).steps], [10, 11, 12]);
});

test("a bucket of NaN is a gap and NaN beside numbers is left out of the mean", () => {
  const drawn = minMax(columns(4, (index) => (index < 2 ? Number.NaN : index)), 2);
  assert.ok(Number.isNaN(drawn.values[0]));
  assert.equal(drawn.values[1], 2.5);
  const mixed = minMax(columns(4, (index) => (index === 0 ? Number.NaN : 4)), 2);
  assert.equal(mixed.values[0], 4);
});

const smooth = (values: Float64Array, weight: number): Float64Array => new Smoother().update(values, weight);

test("smoothing starts at the first value, keeps a constant, and doesn't spread a gap", () => {
  assert.deepEqual([...smooth(Float64Array.of(3, 3, 3), 0.9)].map((value) => Number(value.toFixed(9))), [3, 3, 3]);
  const gap = smooth(Float64Array.of(2, Number.NaN, 2), 0.5);
  assert.deepEqual([gap[0], Number.isNaN(gap[1]!), gap[2]], [2, true, 2]);
  const untouched = Float64Array.of(1, 9);
  assert.equal(smooth(untouched, 0), untouched);
});

test("smoothing in pieces gives what smoothing at once gives, and begins anew after a revision", () => {
  const whole = Float64Array.from({ length: 300 }, (_, index) => Math.sin(index));
  const pieces = new Smoother();
  for (let length = 1; length <= 300; length += 13) pieces.update(whole.slice(0, length), 0.8);
  assert.deepEqual([...pieces.update(whole, 0.8)], [...smooth(whole, 0.8)]);
  const changed = whole.map((value) => value + 1);
  assert.deepEqual([...pieces.update(changed, 0.8, 1)], [...smooth(changed, 0.8)]);
});

test("a smoother forgets what it saw when other points come in their place", () => {
  const smoother = new Smoother();
  smoother.update(new Float64Array([9, 9]), 0.5);
  smoother.forget();
  assert.deepEqual([...smoother.update(new Float64Array([1, 1, 1]), 0.5)], [1, 1, 1]);
});
