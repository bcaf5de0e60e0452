/** Fewer points, the same picture: min-max buckets keep every spike, smoothing keeps the trend. */

import { Growable } from "./points";

export interface Columns {
  steps: Float64Array;
  values: Float64Array;
  low: Float64Array;
  high: Float64Array;
}

/** Exponential moving average, debiased at the start; a gap (NaN) is skipped and stays a gap. Continues where it left off. */
export class Smoother {
  private result = new Growable();
  private weight = Number.NaN;
  private revision = Number.NaN;
  private average = 0;
  private norm = 0;

  /** `revision` changes when values that were seen before have changed: then it begins anew. */
  update(values: Float64Array, weight: number, revision = 0): Float64Array {
    if (weight <= 0) return values;
    if (weight !== this.weight || revision !== this.revision || values.length < this.result.length) {
      this.result.truncate(0);
      [this.weight, this.revision, this.average, this.norm] = [weight, revision, 0, 0];
    }
    for (let index = this.result.length; index < values.length; index += 1) this.result.push(this.next(values[index]!));
    return this.result.view();
  }

  /** Other points come in the place of those seen. */
  forget(): void {
    this.revision = Number.NaN;
  }

  private next(value: number): number {
    if (!Number.isFinite(value)) return Number.NaN;
    this.average = this.average * this.weight + value * (1 - this.weight);
    this.norm = this.norm * this.weight + (1 - this.weight);
    return this.average / this.norm;
  }
}

/**
 * At most `buckets` points between two steps: the mean of each bucket for the line, its lowest and highest for the band.
 * Striding would lose spikes; here every raw value lies inside the band.
 */
export function minMax(columns: Columns, buckets: number, from = -Infinity, to = Infinity): Columns {
  const start = lowerBound(columns.steps, from);
  const end = upperBound(columns.steps, to);
  const length = end - start;
  if (length <= buckets || buckets < 1) return slice(columns, start, end);
  const result: Columns = {
    steps: new Float64Array(buckets),
    values: new Float64Array(buckets),
    low: new Float64Array(buckets),
    high: new Float64Array(buckets),
  };
  for (let bucket = 0; bucket < buckets; bucket += 1) {
    const first = start + Math.floor((bucket * length) / buckets);
    const last = start + Math.floor(((bucket + 1) * length) / buckets);
    fill(result, bucket, columns, first, last);
  }
  return result;
}

function fill(result: Columns, bucket: number, columns: Columns, first: number, last: number): void {
  let low = Infinity;
  let high = -Infinity;
  let sum = 0;
  let finite = 0;
  for (let index = first; index < last; index += 1) {
    const value = columns.values[index]!;
    if (Number.isFinite(value)) {
      sum += value;
      finite += 1;
    }
    if (columns.low[index]! < low) low = columns.low[index]!;
    if (columns.high[index]! > high) high = columns.high[index]!;
  }
  result.steps[bucket] = columns.steps[last - 1]!;
  result.values[bucket] = finite ? sum / finite : Number.NaN;
  result.low[bucket] = finite ? low : Number.NaN;
  result.high[bucket] = finite ? high : Number.NaN;
}

function slice(columns: Columns, start: number, end: number): Columns {
  return {
    steps: columns.steps.subarray(start, end),
    values: columns.values.subarray(start, end),
    low: columns.low.subarray(start, end),
    high: columns.high.subarray(start, end),
  };
}

/** The first index whose step is not below `step`. */
export function lowerBound(steps: Float64Array, step: number): number {
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle]! < step) low = middle + 1;
    else high = middle;
  }
  return low;
}

function upperBound(steps: Float64Array, step: number): number {
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle]! <= step) low = middle + 1;
    else high = middle;
  }
  return low;
}
