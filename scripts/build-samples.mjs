// Puts the samples below dist/ as an installed package needs them: Node runs no TypeScript under node_modules, so the programs become
// JavaScript and the annotations `mizzen.io/run: node x.ts` name that. Everything else is copied as it is.
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const from = join(root, "samples");
const to = join(root, "dist/samples");

rmSync(to, { recursive: true, force: true });
for (const file of globSync("**/*", { cwd: from, withFileTypes: true })) {
  if (!file.isFile() || file.name.endsWith(".test.ts")) continue;
  const source = join(file.parentPath, file.name);
  const target = join(to, source.slice(from.length + 1));
  mkdirSync(dirname(target), { recursive: true });
  if (file.name.endsWith(".ts")) {
    const code = stripTypeScriptTypes(readFileSync(source, "utf8")).replace(/(from "\.\/[^"]+)\.ts"/g, '$1.js"');
    writeFileSync(target.replace(/\.ts$/, ".js"), code);
  } else if (/\.ya?ml$/.test(file.name)) {
    writeFileSync(target, readFileSync(source, "utf8").replace(/^(\s*mizzen\.io\/run:.*\bnode \S+)\.ts$/gm, "$1.js"));
  } else cpSync(source, target);
}
