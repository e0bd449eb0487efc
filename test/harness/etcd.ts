// A real etcd of one member, from Debian's package, that can be killed and started again on its data.
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { debianTool } from "./tools.ts";

export class Etcd {
  readonly #program: string;
  readonly #folder = mkdtempSync(join(tmpdir(), "etcd-"));
  readonly #ports: readonly [number, number];
  #process: ChildProcess | undefined;

  private constructor(program: string, ports: readonly [number, number]) {
    this.#program = program;
    this.#ports = ports;
  }

  /** @throws Error when it cannot be had or does not start */
  static async start(): Promise<Etcd> {
    const etcd = new Etcd(debianTool("etcd", "etcd-server"), [await freePort(), await freePort()]);
    await etcd.run();
    return etcd;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#ports[0]}`;
  }

  /** Of a running one; 0 otherwise. */
  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  async run(): Promise<void> {
    const peer = `http://127.0.0.1:${this.#ports[1]}`;
    const args = {
      "data-dir": join(this.#folder, "data"),
      "listen-client-urls": this.endpoint,
      "advertise-client-urls": this.endpoint,
      "listen-peer-urls": peer,
      "initial-advertise-peer-urls": peer,
      "initial-cluster": `default=${peer}`,
      "log-level": "error",
    };
    this.#process = spawn(
      this.#program,
      Object.entries(args).map(([name, value]) => `--${name}=${value}`),
      { stdio: "ignore" },
    );
    for (let attempt = 0; attempt < 200; attempt++) {
      const answer = await fetch(`${this.endpoint}/health`).then(
        (response) => response.ok,
        () => false,
      );
      if (answer) return;
      await new Promise((resume) => setTimeout(resume, 50));
    }
    throw new Error("etcd did not start within 10 s");
  }

  async kill(): Promise<void> {
    const running = this.#process;
    this.#process = undefined;
    if (running === undefined) return;
    const ended = new Promise((done) => running.once("exit", done));
    running.kill("SIGKILL");
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
