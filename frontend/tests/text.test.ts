import assert from "node:assert/strict";
import { test } from "node:test";
import { shown, shownLines, shownValue } from "../src/text";

test("controls, bidi marks and zero-width characters are spelled out", () => {
  assert.equal(shown("a\u202Eb\u0007c\u200Bd\u2066e\u001B[31m"), "a\\u202eb\\x07c\\u200bd\\u2066e\\x1b[31m");
  assert.equal(shown("line\nnext\ttab"), "line\\nnext\\ttab");
});

test("what a font may leave out is spelled out, beyond the first plane too", () => {
  assert.equal(shown("a\u{E0041}b\u{E0100}c\uFE01d\u3164e\u{1D173}"), "a\\U000e0041b\\U000e0100c\\ufe01d\\u3164e\\U0001d173");
});

test("half of a surrogate pair is spelled out and a whole one stays", () => {
  assert.equal(shown("\u{1F600}"), "\u{1F600}");
  assert.equal(shown("\uD83D!"), "\\ud83d!");
});

test("ordinary writing of any language stays as it is", () => {
  for (const text of ["模型", "مدل", "naïve × 12", "<b>bold</b>"]) assert.equal(shown(text), text);
});

test("a long text is cut and says so", () => {
  assert.equal(shown("x".repeat(50), 10), `${"x".repeat(10)}…`);
});

test("a traceback keeps its lines and nothing else that is hidden", () => {
  assert.equal(shownLines("one\r\ntwo\u001B[0m"), "one\ntwo\\x1b[0m");
});

test("values of a configuration fit on one line", () => {
  assert.deepEqual([null, 1.5, true, { a: ["b\n"] }].map(shownValue), ["none", "1.5", "true", '{"a":["b\\n"]}']);
});
