/** Points of a series: typed arrays that grow, and the binary deltas that feed them. */

import type { PointsEntry, Series } from "./messages";

/** Float64 values that grow by doubling, so that appending ten times a second copies almost nothing. */
export class Growable {
  private buffer: Float64Array;
  length = 0;

  constructor(capacity = 64) {
    this.buffer = new Float64Array(capacity);
  }

  push(value: number): void {
    if (this.length === this.buffer.length) this.grow(this.length + 1);
    this.buffer[this.length++] = value;
  }

  append(values: Float64Array): void {
    if (this.length + values.length > this.buffer.length) this.grow(this.length + values.length);
    this.buffer.set(values, this.length);
    this.length += values.length;
  }

  truncate(length: number): void {
    this.length = Math.min(this.length, length);
  }

  /** A window on the values, valid until the next append. */
  view(): Float64Array {
    return this.buffer.subarray(0, this.length);
  }

  private grow(needed: number): void {
    const larger = new Float64Array(Math.max(needed, this.buffer.length * 2, 64));
    larger.set(this.view());
    this.buffer = larger;
  }
}

/** One metric's whole story: its points, their band where they were downsampled, and what a resume left behind. */
export class Track {
  readonly steps = new Growable();
  readonly values = new Growable();
  readonly low = new Growable();
  readonly high = new Growable();
  readonly oldSteps = new Growable();
  readonly oldValues = new Growable();
  /** How many raw points stand behind what is drawn. */
  count = 0;
  /** Changes when points that were there are taken back. */
  revision = 0;
  lowest = Infinity;
  highest = -Infinity;

  constructor(readonly name: string) {}

  static from(series: Series): Track {
    const track = new Track(series.name);
    series.steps.forEach((step, index) => {
      const value = number(series.values[index]);
      track.steps.push(step);
      track.values.push(value);
      track.low.push(series.low ? number(series.low[index]) : value);
      track.high.push(series.high ? number(series.high[index]) : value);
    });
    series.superseded?.steps.forEach((step, index) => {
      track.oldSteps.push(step);
      track.oldValues.push(number(series.superseded?.values[index]));
    });
    track.count = series.count;
    track.widen(track.low.view());
    track.widen(track.high.view());
    return track;
  }

  /** Adds points; where a resumed run goes back to an earlier step, what lay after it becomes superseded. */
  append(steps: Float64Array, values: Float64Array): void {
    const first = steps[0];
    if (first === undefined) return;
    this.supersede(first);
    this.steps.append(steps);
    this.values.append(values);
    this.low.append(values);
    this.high.append(values);
    this.count += steps.length;
    this.widen(values);
  }

  get last(): number | undefined {
    return this.values.view()[this.values.length - 1];
  }

  private widen(values: Float64Array): void {
    for (const value of values) {
      if (value < this.lowest) this.lowest = value;
      if (value > this.highest) this.highest = value;
    }
  }

  private supersede(from: number): void {
    const steps = this.steps.view();
    let keep = steps.length;
    while (keep > 0 && steps[keep - 1]! >= from) keep -= 1;
    if (keep === steps.length) return;
    this.revision += 1;
    this.oldSteps.append(steps.slice(keep));
    this.oldValues.append(this.values.view().slice(keep));
    for (const column of [this.steps, this.values, this.low, this.high]) column.truncate(keep);
  }
}

function number(value: number | null | undefined): number {
  return value ?? Number.NaN;
}

export interface Delta {
  name: string;
  steps: Float64Array;
  values: Float64Array;
}

/** Reads a points message's buffer: for each entry its steps, then its values, little endian. */
export function decodePoints(entries: readonly PointsEntry[], buffer: ArrayBuffer | ArrayBufferView): Delta[] {
  const bytes = asBytes(buffer);
  const needed = entries.reduce((sum, entry) => sum + entry.count * 16, 0);
  if (!entries.every((entry) => Number.isInteger(entry.count) && entry.count >= 0) || needed !== bytes.length) {
    throw new RangeError(`A points message announces ${needed} bytes and carries ${bytes.length}.`);
  }
  let offset = 0;
  const take = (length: number): Float64Array => {
    const values = floats(bytes, offset, length);
    offset += length * 8;
    return values;
  };
  return entries.map((entry) => ({ name: entry.name, steps: take(entry.count), values: take(entry.count) }));
}

function asBytes(buffer: ArrayBuffer | ArrayBufferView): Uint8Array {
  if (ArrayBuffer.isView(buffer)) return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  return new Uint8Array(buffer);
}

// A websocket's frame puts the buffer at any offset, and a Float64Array needs an aligned one: hence the copy through DataView.
function floats(bytes: Uint8Array, offset: number, length: number): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, length * 8);
  const values = new Float64Array(length);
  for (let index = 0; index < length; index += 1) values[index] = view.getFloat64(index * 8, true);
  return values;
}
