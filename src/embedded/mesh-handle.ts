// How commands find the running mesh: a 0600 file in its data directory, with the address and the secret of the supervisor's API.
// A file whose process is gone is stale and taken over; two supervisors cannot hold one directory.
import { execFileSync } from "node:child_process";
import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

export interface MeshHandle {
  readonly pid: number;
  /** When the process started, as the OS says it: tells it from another process with the same id later. */
  readonly processStart: string;
  readonly startedAt: string;
  readonly sources: readonly string[];
  /** The supervisor's API, known once it listens. */
  readonly api?: { readonly port: number; readonly token: string };
  readonly controlPlane?: { readonly grpcPort: number; readonly httpPort: number; readonly apiPort: number };
}

const FILE = "mesh.json";

/** Something the user can put right; the message says how. */
export class MeshHandleError extends Error {
  override readonly name = "MeshHandleError";
}

/** The start time of a process, "" when there is no such process. */
export function processStart(pid: number): string {
  try {
    if (process.platform === "linux") {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      // The second field is the program's name in parentheses and may hold anything; the start time is the 20th after it.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return fields[0] === "Z" ? "" : (fields[19] ?? "");
    }
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return ""; // no such process
  }
}

export function isAlive(handle: MeshHandle): boolean {
  const start = processStart(handle.pid);
  return start !== "" && start === handle.processStart;
}

/** The handle in `dataDirectory`, or undefined when there is none or it cannot be understood. */
export function readHandle(dataDirectory: string): MeshHandle | undefined {
  let text: string;
  try {
    text = readFileSync(join(dataDirectory, FILE), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new MeshHandleError(
      `cannot read ${join(dataDirectory, FILE)}: ${(error as Error).message}; was the mesh started by another user?`,
    );
  }
  try {
    const value = JSON.parse(text) as Partial<MeshHandle> | null;
    if (value === null || typeof value.pid !== "number" || typeof value.processStart !== "string") return undefined;
    return { startedAt: "", sources: [], ...value, pid: value.pid, processStart: value.processStart };
  } catch {
    return undefined; // cut short by a crash: as good as none
  }
}

export function runningMesh(dataDirectory: string): MeshHandle | undefined {
  const handle = readHandle(dataDirectory);
  return handle !== undefined && isAlive(handle) ? handle : undefined;
}

export class HeldHandle {
  #directory: string;
  #handle: MeshHandle;

  constructor(directory: string, handle: MeshHandle) {
    this.#directory = directory;
    this.#handle = handle;
  }

  get value(): MeshHandle {
    return this.#handle;
  }

  update(fields: Partial<Pick<MeshHandle, "api" | "controlPlane">>): void {
    this.#handle = { ...this.#handle, ...fields };
    const path = join(this.#directory, FILE);
    const temporary = `${path}.${this.#handle.pid}`;
    rmSync(temporary, { force: true });
    create(temporary, this.#handle);
    renameSync(temporary, path);
  }

  release(): void {
    rmSync(join(this.#directory, FILE), { force: true });
  }
}

function create(path: string, handle: MeshHandle): void {
  const file = openSync(path, "wx", 0o600);
  try {
    writeSync(file, `${JSON.stringify(handle, undefined, 2)}\n`);
  } finally {
    closeSync(file);
  }
}

/** Takes the data directory for this process. @throws MeshHandleError when a running mesh has it, or it cannot be written */
export function claim(dataDirectory: string, sources: readonly string[], wallMs: number): HeldHandle {
  try {
    mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
    chmodSync(dataDirectory, 0o700);
  } catch (error) {
    throw new MeshHandleError(
      `cannot use the data directory ${dataDirectory}: ${(error as Error).message}; choose another with --data-dir`,
    );
  }
  const handle: MeshHandle = {
    pid: process.pid,
    processStart: processStart(process.pid),
    startedAt: new Date(wallMs).toISOString(),
    sources,
  };
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      create(join(dataDirectory, FILE), handle);
      return new HeldHandle(dataDirectory, handle);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code !== "EEXIST") {
        throw new MeshHandleError(
          `cannot write to ${dataDirectory}: ${(error as Error).message}; choose another directory with --data-dir`,
        );
      }
    }
    const other = runningMesh(dataDirectory);
    if (other !== undefined) {
      throw new MeshHandleError(
        `a mesh is already running: pid ${other.pid}, serving ${other.sources.join(", ")}; stop it with \`mizzen down\`, or give this one its own --data-dir`,
      );
    }
    rmSync(join(dataDirectory, FILE), { force: true });
  }
  throw new MeshHandleError(`another mesh is being started in ${dataDirectory}; try again, or choose another directory with --data-dir`);
}
