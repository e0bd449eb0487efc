// Our proxy as an installed package has it: JavaScript, in a few files. In a checkout Node strips the types of every module of every
// thread, which costs memory that no user sees.
import { spawnSync } from "node:child_process";
import { cpSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { ROOT } from "../../test/harness/mesh.ts";

const FOLDER = join(ROOT, "build/bench/package");

/** The path of the built data-plane-process. @throws Error when the sources do not compile */
export function buildProxy(): string {
  rmSync(FOLDER, { recursive: true, force: true });
  const compiler = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");
  const args = [compiler, "-p", join(ROOT, "tsconfig.build.json"), "--outDir", FOLDER];
  run(args);
  cpSync(join(ROOT, "src/envoy/gen"), join(FOLDER, "envoy/gen"), { recursive: true, filter: (path) => !path.endsWith(".d.ts") });
  writeFileSync(join(FOLDER, "package.json"), JSON.stringify({ type: "module", imports: { "#*": "./*.js" } }));
  run([join(ROOT, "scripts/bundle-data-plane.mjs"), FOLDER]);
  const program = join(FOLDER, "data-plane-process.js");
  // It has no types of its own to strip.
  cpSync(join(ROOT, "bench/data-plane-process.ts"), program);
  return program;
}

function run(args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: "utf8" });
  if (status !== 0) throw new Error(`the proxy could not be built:\n${stdout}${stderr}`);
}
