// One run of an application: a shell command in a process group of its own, its output line by line, and its end. The whole group ends
// with it: a program that leaves children behind does not keep a port or a log open.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import type { Readable } from "node:stream";
import type { Clock } from "#runtime/clock";

export interface ApplicationExit {
  readonly code: number | null;
  readonly signal: string | null;
  /** Set when the program could not be started at all. */
  readonly error?: string;
}

export interface ApplicationOptions {
  /** A shell command, or a program with its arguments. */
  readonly command: string | readonly string[];
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** "inherit": the terminal of whoever started it; else each stream is handed over. */
  readonly output: "inherit" | ((stream: "stdout" | "stderr", readable: Readable) => void);
  readonly clock: Clock;
  /** Told of every process group that begins and of its end, so that somebody can end it if this process dies. */
  readonly onGroup?: (event: "begin" | "end", processGroup: number) => void;
}

export class Application {
  readonly exited: Promise<ApplicationExit>;
  #child: ChildProcess;
  #clock: Clock;
  #over = false;

  constructor(options: ApplicationOptions) {
    this.#clock = options.clock;
    const [program, args] =
      typeof options.command === "string" ? ["/bin/sh", ["-c", options.command]] : [options.command[0] ?? "", options.command.slice(1)];
    const stdio = options.output === "inherit" ? "inherit" : "pipe";
    const child = spawn(program, args, {
      cwd: options.directory,
      env: options.environment,
      detached: true,
      stdio: ["ignore", stdio, stdio],
    });
    this.#child = child;
    if (options.output !== "inherit") {
      if (child.stdout !== null) options.output("stdout", child.stdout);
      if (child.stderr !== null) options.output("stderr", child.stderr);
    }
    const group = child.pid;
    if (group !== undefined) options.onGroup?.("begin", group);
    this.exited = new Promise((resolve) => {
      const end = (exit: ApplicationExit): void => {
        if (this.#over) return;
        this.#over = true;
        if (group !== undefined) {
          killGroup(group, "SIGKILL");
          options.onGroup?.("end", group);
        }
        resolve(exit);
      };
      child.on("error", (error) => end({ code: null, signal: null, error: error.message }));
      child.on("exit", (code, signal) => end({ code, signal }));
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** SIGTERM to the group, SIGKILL when it is still there after `graceMs`. Resolves when it ended. */
  async stop(graceMs: number): Promise<void> {
    const group = this.#child.pid;
    if (this.#over || group === undefined) return;
    killGroup(group, "SIGTERM");
    const timer = this.#clock.setTimer(graceMs, () => killGroup(group, "SIGKILL"));
    await this.exited;
    timer.cancel();
  }

  kill(): void {
    if (!this.#over && this.#child.pid !== undefined) killGroup(this.#child.pid, "SIGKILL");
  }
}

function killGroup(group: number, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(-group, signal);
  } catch (error) {
    // ESRCH: it ended by itself. EPERM: on macOS, a group of which only zombies are left.
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "ESRCH" && code !== "EPERM") throw error;
  }
}

export function exitText(exit: ApplicationExit): string {
  if (exit.error !== undefined) return `could not be started: ${exit.error}`;
  return exit.signal === null ? `exited with code ${exit.code}` : `was ended by ${exit.signal}`;
}
