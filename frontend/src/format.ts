/** Numbers as people read them: counts, bytes, durations, metrics. */

const COUNT_UNITS: [number, string][] = [
  [1e12, "T"],
  [1e9, "B"],
  [1e6, "M"],
  [1e3, "k"],
];

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

function threeDigits(value: number): string {
  if (value >= 99.95) return value.toFixed(0);
  return value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}

/** `22,713,216` as `22.7 M`; small counts stay whole. */
export function count(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return "–";
  for (const [size, unit] of COUNT_UNITS) {
    // 999,950 would round up to 1000 k: the next unit takes over where the rounding does.
    if (Math.abs(value) >= size * 0.9995 && Math.abs(value) >= 9_999.5) return `${threeDigits(value / size)} ${unit}`;
  }
  return whole(value);
}

/** Every digit, grouped: for titles and tables where the exact number matters. */
export function whole(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return "–";
  return Math.round(value).toLocaleString("en-US");
}

/** Bytes in powers of 1000, the unit of disks and of the Hub's pages. */
export function bytes(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return "–";
  let scaled = value;
  let unit = 0;
  while (Math.abs(scaled) >= 999.5 && unit < BYTE_UNITS.length - 1) {
    scaled /= 1000;
    unit += 1;
  }
  return unit === 0 ? `${whole(value)} B` : `${threeDigits(scaled)} ${BYTE_UNITS[unit]}`;
}

/** Seconds as `0.42 s`, `42 s`, `3 min 07 s`, `2 h 05 min`, `3 d 4 h`. */
export function duration(seconds: number | undefined): string {
  if (seconds === undefined || !Number.isFinite(seconds) || seconds < 0) return "–";
  if (seconds < 9.95) return `${seconds.toFixed(seconds < 1 ? 2 : 1)} s`;
  const total = Math.round(seconds);
  if (total < 60) return `${total} s`;
  if (total < 3600) return `${Math.floor(total / 60)} min ${pad(total % 60)} s`;
  const minutes = Math.round(total / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`;
  const hours = Math.round(total / 3600);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** A metric with four significant digits, without noise: `0.4231`, `12.35`, `3.2e-5`. */
export function metric(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 1e-3 || size >= 1e6) {
    return value.toExponential(2).replace(/\.?0+e/, "e").replace("e+", "e").replace("-", "−").replace("e-", "e−");
  }
  if (size >= 1e4) return whole(value).replace("-", "−");
  return Number(value.toPrecision(4)).toString().replace("-", "−");
}

/** The same for a column of numbers: trailing zeros stay, so that the points stand under each other. */
export function metricCell(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (!(size >= 1e-3 && size < 1e4)) return metric(value);
  return value.toFixed(size < 10 ? 4 : size < 100 ? 3 : size < 1000 ? 2 : 1).replace("-", "−");
}

export function percent(share: number): string {
  if (!Number.isFinite(share)) return "–";
  const value = share * 100;
  if (value > 0 && value < 0.1) return "<0.1 %";
  if (value >= 99.95 || value === 0) return `${value.toFixed(0)} %`;
  return `${value.toFixed(1)} %`;
}

/** `[384, 1536]` as `384 × 1,536`; a scalar has no shape to show. */
export function shape(sizes: readonly number[]): string {
  return sizes.length === 0 ? "scalar" : sizes.map((size) => whole(size)).join(" × ");
}

/** An ISO time as `2026-11-24 14:36` in the reader's own zone. */
export function moment(iso: string | undefined): string {
  if (!iso) return "–";
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return "–";
  return `${time.getFullYear()}-${pad(time.getMonth() + 1)}-${pad(time.getDate())} ${clock(time)}`;
}

export function timeOfDay(iso: string | undefined): string {
  if (!iso) return "–";
  const time = new Date(iso);
  return Number.isNaN(time.getTime()) ? "–" : `${clock(time)}:${pad(time.getSeconds())}`;
}

export function plural(number: number, one: string, many = `${one}s`): string {
  return `${whole(number)} ${number === 1 ? one : many}`;
}

function clock(time: Date): string {
  return `${pad(time.getHours())}:${pad(time.getMinutes())}`;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}
