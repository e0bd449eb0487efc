// Builds dist/: JavaScript from src/, the generated protobuf code, and the package.json that maps `#folder/file` inside dist.
import { spawnSync } from "node:child_process";
import { cpSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const require = createRequire(import.meta.url);
const dist = join(root, "dist");
const step = (name, command, args) => {
  const result = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2] });
  if (result.status !== 0) {
    console.error(`build: ${name} failed; the messages above say why`);
    process.exit(1);
  }
};
rmSync(dist, { recursive: true, force: true });
step("protobuf code", process.execPath, ["scripts/generate-envoy.mjs"]);
step("TypeScript", process.execPath, [join(dirname(require.resolve("typescript/package.json")), "bin/tsc"), "-p", "tsconfig.build.json"]);
cpSync(join(root, "src/envoy/gen"), join(dist, "envoy/gen"), { recursive: true, filter: (path) => !path.endsWith(".d.ts") });
writeFileSync(join(dist, "package.json"), `${JSON.stringify({ type: "module", imports: { "#*": "./*.js" } }, null, 2)}\n`);
step("bundle of the data plane", process.execPath, ["scripts/bundle-data-plane.mjs", dist]);
console.error("build: dist/ is ready");
