/** Text from files and kernels, made safe to look at: what a reader sees is what is there. */

// C0 and C1 controls, the bidi marks that reorder what follows, whatever Unicode lets a font leave out (its
// Default_Ignorable_Code_Point: zero-width characters, variation selectors, tags), lone surrogates.
// The same set is in guard/secrets.py.
const HIDDEN =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}\ud800-\udfff]/gu;

const NAMED: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function escape(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return NAMED[character] ?? (code < 0x100 ? `\\x${hex(code, 2)}` : code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`);
}

function hex(code: number, width: number): string {
  return code.toString(16).padStart(width, "0");
}

/** One line of text with every control, bidi and zero-width character spelled out. */
export function shown(text: unknown, limit = 2000): string {
  const whole = String(text ?? "");
  const cut = whole.length > limit ? `${whole.slice(0, limit)}…` : whole;
  return cut.replace(HIDDEN, escape);
}

/** Several lines, each made safe: for tracebacks, whose line ends carry meaning. */
export function shownLines(text: unknown, limit = 8000): string {
  const whole = String(text ?? "");
  const cut = whole.length > limit ? `${whole.slice(0, limit)}…` : whole;
  return cut
    .split(/\r?\n/)
    .map((line) => shown(line, limit))
    .join("\n");
}

/** A value of a configuration or of metadata, on one line. */
export function shownValue(value: unknown): string {
  if (value === null || value === undefined) return "none";
  if (typeof value === "string") return shown(value);
  if (typeof value === "object") return shown(JSON.stringify(value));
  return shown(String(value));
}
