// A process of ours that a test may kill at any moment: its output so far, and how to end it.
import { spawn, type ChildProcess } from "node:child_process";

export class Program {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #killNow = (): void => void this.#child.kill("SIGKILL");
  #output = "";

  /** With this process's own Node, so that the process that is started is the one that is killed. */
  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(process.execPath, args, {
      env: { ...process.env, NO_COLOR: "1", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const note = (chunk: Buffer): void => void (this.#output = (this.#output + chunk.toString()).slice(-100_000));
    this.#child.stdout?.on("data", note);
    this.#child.stderr?.on("data", note);
    this.#ended = new Promise((done) => this.#child.on("close", () => done()));
    process.on("exit", this.#killNow);
  }

  get output(): string {
    return this.#output;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async kill(): Promise<void> {
    this.#killNow();
    await this.#ended;
    process.off("exit", this.#killNow);
  }
}
