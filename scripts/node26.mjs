// Runs its arguments with the Node 26 that npm installed: `node scripts/node26.mjs --test ...` on a machine with Node 20.
import { spawnSync } from "node:child_process";
import { findNode } from "../bin/node26.js";

const result = spawnSync(findNode(), process.argv.slice(2), { stdio: "inherit" });
process.exit(result.status ?? 1);
