// A process in a network namespace, as its owner sees it.
import { spawn, type ChildProcess } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { KeyPair } from "#runtime/x509";
import type { ReplayResource } from "./resource-table.ts";
import type { EchoListener } from "./echo-server.ts";
import type { Nack } from "./discovery-session.ts";
import type { StationTask } from "./station-process.ts";
import type { Outcome, TrafficRequest } from "./traffic.ts";

const PROGRAM = join(dirname(fileURLToPath(import.meta.url)), "station-process.ts");

export class Station {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { done(result: unknown): void; failed(error: Error): void }>();
  #next = 0;
  #output = "";
  #ended: Error | undefined;

  private constructor(namespace: string) {
    this.#child = spawn("ip", ["netns", "exec", namespace, process.execPath, PROGRAM], {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      serialization: "advanced",
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on("data", (bytes: Buffer) => (this.#output = (this.#output + bytes.toString()).slice(-10_000)));
    this.#child.on("message", (message: { id: number; result?: unknown; error?: string }) => {
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.error === undefined) waiting?.done(message.result);
      else waiting?.failed(new Error(message.error));
    });
    this.#child.on("exit", (code) => {
      this.#ended = new Error(`the station of ${namespace} ended with ${code}: ${this.#output}`);
      for (const waiting of this.#waiting.values()) waiting.failed(this.#ended);
      this.#waiting.clear();
    });
  }

  /** @throws Error when the process cannot be started in that namespace */
  static async start(namespace: string, root: KeyPair, nameServer?: string): Promise<Station> {
    const station = new Station(namespace);
    await station.#ask({ do: "start", root, nameServer });
    return station;
  }

  async echo(listeners: readonly EchoListener[], identities: Readonly<Record<string, string>>): Promise<void> {
    await this.#ask({ do: "echo", listeners, identities });
  }

  async send(request: TrafficRequest): Promise<Outcome> {
    return (await this.#ask({ do: "send", request })) as Outcome;
  }

  /** Of requests whose tags begin so. */
  async arrivals(beginning: string): Promise<readonly (readonly [tag: string, destinations: readonly string[]])[]> {
    return (await this.#ask({ do: "arrivals", beginning })) as (readonly [string, readonly string[]])[];
  }

  /** The port at 127.0.0.1 where a proxy of this namespace gets these resources. */
  async serve(resources: readonly ReplayResource[]): Promise<number> {
    return (await this.#ask({ do: "serve", resources })) as number;
  }

  async nacks(): Promise<readonly Nack[]> {
    return (await this.#ask({ do: "nacks" })) as readonly Nack[];
  }

  async get(url: string): Promise<{ readonly status: number; readonly body: string } | undefined> {
    return (await this.#ask({ do: "get", url })) as { status: number; body: string } | undefined;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    await new Promise<void>((done) => {
      this.#child.once("exit", () => done());
      this.#child.disconnect();
    });
  }

  #ask(task: StationTask): Promise<unknown> {
    const id = ++this.#next;
    return new Promise((done, failed) => {
      if (this.#ended !== undefined) return failed(this.#ended);
      this.#waiting.set(id, { done, failed });
      this.#child.send({ id, task }, (error) => {
        if (error !== null && this.#ended === undefined) failed(error);
      });
    });
  }
}
