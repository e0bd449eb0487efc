// Puts the data plane of a built dist/ into a few files: `node scripts/bundle-data-plane.mjs DIST`. Each traffic thread loads the proxy
// once more, and 600 modules cost it 10 MB and half of its start: their records, names, comments, and what of a module nobody uses.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const dist = resolve(process.argv[2] ?? "dist");
const folder = join(dist, "proxy/data-plane");
// What others import of the proxy, and what a thread begins with. They share what they have in common.
const entries = ["data-plane", "bootstrap-file", "traffic-thread"];
const { dependencies } = JSON.parse(readFileSync(join(fileURLToPath(import.meta.url), "../../package.json"), "utf8"));

const { outputFiles } = await build({
  entryPoints: entries.map((name) => join(folder, `${name}.js`)),
  outdir: folder,
  write: false,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node26",
  minifyWhitespace: true,
  minifySyntax: true,
  // Names stay: stack traces are read by people. Packages stay where npm puts them, but for the one of which we use a small part.
  external: Object.keys(dependencies).filter((name) => name !== "@bufbuild/protobuf"),
  logLevel: "warning",
});
rmSync(join(dist, "proxy"), { recursive: true });
mkdirSync(folder, { recursive: true });
for (const { path, contents } of outputFiles) writeFileSync(path, contents);
