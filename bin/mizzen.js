#!/usr/bin/env node
// The launcher: plain JavaScript that Node 20 can run. It finds the Node 26 that npm installed beside the package and
// hands over to it; in a checkout it also makes the generated protobuf code when that is missing.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { findNode } from "./node26.js";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

function fail(message) {
  process.stderr.write(`mizzen: ${message}\n`);
  process.exit(1);
}

if (process.platform === "win32") fail("Windows is not supported; install WSL (wsl --install) and run mizzen inside it");

const built = join(root, "dist/cli/main.js");
const checkout = existsSync(join(root, "src/cli/main.ts"));
const entry = checkout ? join(root, "src/cli/main.ts") : built;
let node;
try {
  node = findNode();
} catch (error) {
  fail(error.message);
}

// Asked a thousand times by scripts and prompts: answered without starting a second Node.
const [command, ...more] = process.argv.slice(2);
if (more.length === 0 && (command === "version" || command === "--version" || command === "-v")) {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  process.stdout.write(command === "version" ? `mizzen ${version}\n` : `${version}\n`);
  process.exit(0);
}

if (checkout && !existsSync(join(root, "src/envoy/gen/.stamp"))) {
  const made = spawnSync(process.execPath, [join(root, "scripts/generate-envoy.mjs")], { stdio: ["ignore", 2, 2] });
  if (made.status !== 0)
    fail("the protobuf code could not be generated; the messages above say why (were the development dependencies installed?)");
}

// What a user's own program gets is the user's own PATH: `npm start` and npx put the package's node_modules/.bin in front of it.
const path = (process.env.PATH ?? "")
  .split(delimiter)
  .filter((folder) => !/node_modules[\\/](?:\.bin|npm[\\/].*node-gyp-bin|@npmcli[\\/]run-script[\\/].*)$/.test(folder))
  .join(delimiter);
const env = { ...process.env, MIZZEN_USER_PATH: path };

if (node === process.execPath) {
  process.env.MIZZEN_USER_PATH = path;
  process.argv[1] = entry;
  await import(pathToFileURL(entry).href);
} else {
  // What runs for long gets the memory settings of the embedded mesh's processes (src/cli/program-place.ts): no slower, and up to 100 MB less.
  const young = command === "control-plane" ? 4 : command === "proxy" ? 1 : undefined;
  const memory = young === undefined ? [] : [`--max-semi-space-size=${young}`];
  if (young !== undefined) env.MALLOC_ARENA_MAX ??= String(Math.min(cpus().length, 4) + 1);
  const args = ["--disable-warning=ExperimentalWarning", ...memory, entry, ...process.argv.slice(2)];
  // Through the IPC channel the child learns that the launcher was killed, and ends what it runs in order.
  const child = spawn(node, args, { stdio: ["inherit", "inherit", "inherit", "ipc"], env });
  // A terminal sends Ctrl-C to the whole process group, so the child has it already; what was sent to us alone is passed on.
  const inTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  process.on("SIGINT", () => {
    if (!inTerminal) child.kill("SIGINT");
  });
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => fail(`cannot start ${node}: ${error.message}`));
  child.on("exit", (code, signal) => {
    if (signal !== null) {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    } else process.exit(code ?? 1);
  });
}
