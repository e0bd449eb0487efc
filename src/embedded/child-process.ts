// One of our own processes (control plane, data plane): spawned with an IPC channel, started again with backoff when it dies. The
// child ends itself when the channel closes, so that kill -9 of the supervisor leaves nothing behind.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import type { Readable } from "node:stream";
import type { Clock, Timer } from "#runtime/clock";
import { Backoff, PROCESS_BACKOFF } from "./backoff.ts";

export interface ChildOptions<To, From> {
  readonly name: string;
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** The first message of every run. */
  readonly start: () => To;
  readonly onMessage: (message: From) => void;
  readonly onOutput: (stream: "stdout" | "stderr", readable: Readable) => void;
  /** It ended though nobody asked it to; it will be started again after `delayMs`. */
  readonly onDied: (reason: string, delayMs: number) => void;
}

const STOP_GRACE_MS = 5_000;

export class SupervisedProcess<To extends object, From> {
  #options: ChildOptions<To, From>;
  #backoff = new Backoff(PROCESS_BACKOFF);
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #restart: Timer | undefined;
  #stopping = false;
  #restarts = 0;

  constructor(options: ChildOptions<To, From>) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get restarts(): number {
    return this.#restarts;
  }

  start(): void {
    const { command, environment, clock, onMessage, onOutput } = this.#options;
    const [program, ...args] = command;
    const startedMs = clock.monotonicMs();
    const child = spawn(program ?? "", args, { stdio: ["ignore", "pipe", "pipe", "ipc"], env: environment });
    this.#child = child;
    if (child.stdout !== null) onOutput("stdout", child.stdout);
    if (child.stderr !== null) onOutput("stderr", child.stderr);
    child.on("message", (message) => onMessage(message as From));
    this.#exited = new Promise((resolve) => {
      let over = false;
      const end = (reason: string): void => {
        if (over) return;
        over = true;
        this.#child = undefined;
        resolve();
        if (!this.#stopping) this.#died(reason, clock.monotonicMs() - startedMs);
      };
      child.on("error", (error) => end(error.message));
      child.on("exit", (code, signal) => end(signal === null ? `exited with code ${code}` : `was ended by ${signal}`));
    });
    this.send(this.#options.start());
  }

  #died(reason: string, aliveMs: number): void {
    const delayMs = this.#backoff.next(aliveMs);
    this.#options.onDied(reason, delayMs);
    this.#restart = this.#options.clock.setTimer(delayMs, () => {
      this.#restarts++;
      this.start();
    });
  }

  /** False when there is no child to tell; what it must know again after a restart is the owner's to repeat. */
  send(message: To): boolean {
    const child = this.#child;
    if (child === undefined || !child.connected) return false;
    // The callback takes the error of a channel that closes meanwhile; the exit handler speaks about it.
    child.send(message, () => {});
    return true;
  }

  /** Sends `message` and waits for the end; kills the child when that takes too long. */
  async stop(message: To): Promise<void> {
    this.#stopping = true;
    this.#restart?.cancel();
    const child = this.#child;
    if (child === undefined) return;
    this.send(message);
    const timer = this.#options.clock.setTimer(STOP_GRACE_MS, () => child.kill("SIGKILL"));
    await this.#exited;
    timer.cancel();
  }

  kill(): void {
    this.#stopping = true;
    this.#restart?.cancel();
    this.#child?.kill("SIGKILL");
  }
}
