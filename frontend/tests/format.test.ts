import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, count, duration, metric, metricCell, percent, shape } from "../src/format";

test("counts read with three digits and hand over to the next unit where rounding would reach 1000", () => {
  assert.deepEqual([0, 512, 9_999, 10_000, 22_713_216, 999_950, 7e9].map(count), ["0", "512", "9,999", "10.0 k", "22.7 M", "1.00 M", "7.00 B"]);
  assert.equal(count(undefined), "–");
  assert.equal(count(Number.NaN), "–");
});

test("bytes are powers of 1000 and small ones stay exact", () => {
  assert.deepEqual([0, 999, 1_000, 90_868_376, 999_600, 5e15].map(bytes), ["0 B", "999 B", "1.00 kB", "90.9 MB", "1.00 MB", "5.00 PB"]);
});

test("durations never show sixty seconds or sixty minutes", () => {
  assert.deepEqual([0.42, 9.97, 59.6, 187, 3599.7, 7_500, 90_000].map(duration), ["0.42 s", "10 s", "1 min 00 s", "3 min 07 s", "1 h 00 min", "2 h 05 min", "1 d 1 h"]);
  assert.equal(duration(Infinity), "–");
});

test("metrics keep four digits, name NaN, and use a true minus", () => {
  assert.deepEqual([0.423_123, 12.345_6, 0, -1.5, 1e-5, 18_432, 2.5e-4].map(metric), ["0.4231", "12.35", "0", "−1.5", "1e−5", "18,432", "2.5e−4"]);
  assert.equal(metric(Number.NaN), "NaN");
  assert.equal(metric(null), "–");
});

test("shares and shapes", () => {
  assert.deepEqual([0, 0.000_01, 0.123, 0.999_9, 1].map(percent), ["0 %", "<0.1 %", "12.3 %", "100 %", "100 %"]);
  assert.equal(shape([30_522, 384]), "30,522 × 384");
  assert.equal(shape([]), "scalar");
});

test("a column's numbers keep their zeros, and extremes stay readable", () => {
  assert.deepEqual([0.5, 0.333_33, -12.5, 2e-5, 18_432, Number.NaN].map(metricCell), ["0.5000", "0.3333", "−12.500", "2e−5", "18,432", "NaN"]);
});
