/** Light or dark, wherever the view stands, and the colours that a canvas needs as plain values. */

export interface Palette {
  ink: string;
  muted: string;
  grid: string;
  line: string;
  band: string;
  good: string;
  warn: string;
  bad: string;
  surface: string;
}

const NAMES: (keyof Palette)[] = ["ink", "muted", "grid", "line", "band", "good", "warn", "bad", "surface"];

/** JupyterLab and VS Code say what they are; elsewhere the colour behind the view does, then the reader's system. */
export function isDark(element: Element): boolean {
  const body = document.body;
  const jupyter = body.dataset["jpThemeLight"];
  if (jupyter) return jupyter === "false";
  const code = body.dataset["vscodeThemeKind"];
  if (code) return code.includes("dark") || code === "vscode-high-contrast";
  return backgroundIsDark(element) ?? matchMedia("(prefers-color-scheme: dark)").matches;
}

function backgroundIsDark(element: Element): boolean | undefined {
  for (let node: Element | null = element.parentElement; node; node = node.parentElement) {
    const channels = getComputedStyle(node).backgroundColor.match(/[\d.]+/g)?.map(Number);
    if (!channels || channels.length < 3 || (channels[3] ?? 1) < 0.5) continue;
    return channels[0]! * 0.299 + channels[1]! * 0.587 + channels[2]! * 0.114 < 128;
  }
  return undefined;
}

/** A canvas can't read `var(...)`: a probe element resolves each colour to what the browser would paint. */
export function palette(root: HTMLElement): Palette {
  const probe = document.createElement("span");
  probe.style.display = "none";
  root.append(probe);
  const result = {} as Palette;
  for (const name of NAMES) {
    probe.style.color = `var(--mc-${name})`;
    result[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return result;
}

/** Calls back when the page's theme changes; returns how to stop watching. */
export function watchTheme(changed: () => void): () => void {
  const media = matchMedia("(prefers-color-scheme: dark)");
  const observer = new MutationObserver(changed);
  const attributeFilter = ["class", "data-jp-theme-light", "data-jp-theme-name", "data-vscode-theme-kind", "data-theme"];
  for (const node of [document.body, document.documentElement]) observer.observe(node, { attributes: true, attributeFilter });
  media.addEventListener("change", changed);
  return () => {
    observer.disconnect();
    media.removeEventListener("change", changed);
  };
}
