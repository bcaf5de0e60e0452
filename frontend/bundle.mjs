/** Bundles the views with esbuild: one module a view for anywidget, the extension's entry for JupyterLab, the tests, the page to look at. */

import { readdirSync } from "node:fs";
import { build } from "esbuild";

const VIEWS = ["model_card", "training_run", "registry", "server", "refusal"];
const STATIC = "../modelcypher_nb/views/static";

const common = {
  bundle: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  loader: { ".css": "text" },
  legalComments: "inline",
  logLevel: "warning",
};

// What JupyterLab shares with its extensions stays an import; jupyter-builder's bundler resolves it.
const lab = ["@jupyterlab/*", "@lumino/*"];

const tests = () => readdirSync("tests").filter((name) => name.endsWith(".test.ts"));

async function main(mode) {
  if (mode === "--tests") {
    await build({ ...common, entryPoints: tests().map((name) => `tests/${name}`), outdir: "lib/tests", outExtension: { ".js": ".mjs" }, platform: "node", external: ["node:*"] });
  } else if (mode === "--dev") {
    await build({ ...common, entryPoints: ["dev/page.ts"], outfile: "lib/dev/page.js", format: "iife", sourcemap: "inline" });
  } else {
    const views = Object.fromEntries(VIEWS.map((name) => [name, `src/${name}.ts`]));
    await build({ ...common, entryPoints: views, outdir: STATIC, minify: true });
    await build({ ...common, entryPoints: { extension: "src/extension.ts" }, outdir: "lib", external: lab });
  }
}

await main(process.argv[2]);
