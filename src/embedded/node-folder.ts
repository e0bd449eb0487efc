// A folder with a `node` in it, for groups whose command is `node ...` where the user's own Node is missing or too old to send its
// calls through HTTP_PROXY: they get the Node that runs mizzen.
import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { findOnPath, nodeVersion, readsProxyFromEnvironment } from "#agent/node-version";

export class NodeFolder {
  #dataDirectory: string;
  #ownNode: string;
  #userPath: string;
  #onReplaced: (reason: string) => void;
  #decision: Promise<string | undefined> | undefined;

  constructor(dataDirectory: string, ownNode: string, userPath: string, onReplaced: (reason: string) => void) {
    this.#dataDirectory = dataDirectory;
    this.#ownNode = ownNode;
    this.#userPath = userPath;
    this.#onReplaced = onReplaced;
  }

  /** The folder to put in front of PATH, or undefined when the user's own Node will do. Looked up once. */
  folder(): Promise<string | undefined> {
    this.#decision ??= this.#decide();
    return this.#decision;
  }

  async #decide(): Promise<string | undefined> {
    const program = findOnPath("node", this.#userPath);
    const version = program === undefined ? undefined : await nodeVersion(program);
    if (version !== undefined && readsProxyFromEnvironment(version)) return undefined;
    const folder = join(this.#dataDirectory, "bin");
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { mode: 0o700 });
    symlinkSync(this.#ownNode, join(folder, "node"));
    this.#onReplaced(
      version === undefined ? "there is no node on PATH" : `node ${version} on PATH knows no NODE_USE_ENV_PROXY (22.21 does)`,
    );
    return folder;
  }
}
