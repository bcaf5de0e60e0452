/** Elements in one line each. Every string goes in as text with hidden characters spelled out: markup from data can't happen. */

import { shown, shownLines } from "./text";

export type Child = Node | string | null | undefined | false;

type Listener = (event: never) => void;
export type Attributes = Record<string, string | number | boolean | Listener | null | undefined>;

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) set(element, name, value);
  append(element, children);
  return element;
}

export function set(element: HTMLElement, name: string, value: Attributes[string]): void {
  if (typeof value === "function") element.addEventListener(name.slice(2), value as EventListener);
  else if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : name === "class" || name === "style" ? String(value) : shown(value));
}

export function append(element: Element, children: readonly Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    element.append(typeof child === "string" ? shown(child) : child);
  }
}

export function replace(element: Element, ...children: Child[]): void {
  element.replaceChildren();
  append(element, children);
}

/** Text whose line ends are kept. */
export function lines(text: string, className: string): HTMLElement {
  const element = h("pre", { class: className });
  element.textContent = shownLines(text);
  return element;
}

/** Writes text only where it changed, so that a selection and a screen reader aren't disturbed ten times a second. */
export function say(element: Element, text: string): void {
  const safe = shown(text);
  if (element.textContent !== safe) element.textContent = safe;
}

let counter = 0;

/** An id for aria relations, unique in the page's life of this bundle. */
export function uniqueId(prefix: string): string {
  counter += 1;
  return `mc-${prefix}-${Math.random().toString(36).slice(2, 8)}-${counter}`;
}

export function chip(text: string, kind = "", title?: string): HTMLElement {
  return h("span", { class: `mc-chip ${kind}`.trim(), title }, text);
}

/** A definition list of facts; absent values leave no row behind, and what is long (a path, a digest) takes the whole width. */
export function facts(entries: readonly (readonly [label: string, value: Child, width?: "wide" | undefined])[]): HTMLElement {
  const list = h("dl", { class: "mc-facts" });
  for (const [label, value, width] of entries) {
    if (value === null || value === undefined || value === false || value === "") continue;
    list.append(h("div", { class: width }, h("dt", {}, label), h("dd", {}, value)));
  }
  return list;
}

export function section(title: string, ...children: Child[]): HTMLElement {
  return h("section", { class: "mc-section" }, h("h3", {}, title), ...children);
}
