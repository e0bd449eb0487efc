// The data-plane process as agents see it: a place to put proxies. Remembers every proxy, so that a restarted process gets them all again.
import { request } from "node:http";
import type { Readable } from "node:stream";
import type { Endpoint, JsonObject } from "#agent/bootstrap";
import type { ProxyHost } from "#agent/workload-agent";
import type { Clock, Timer } from "#runtime/clock";
import type { Log } from "#runtime/log";
import { SupervisedProcess } from "./child-process.ts";
import type { DataPlaneStart, FromDataPlane, ToDataPlane } from "./child-messages.ts";
import { accessLogPrefix } from "./line-output.ts";

export interface DataPlaneHostOptions {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly start: DataPlaneStart;
  readonly clock: Clock;
  readonly log: Log;
  readonly onOutput: (stream: "stdout" | "stderr", readable: Readable) => void;
  readonly onFailed: (message: string) => void;
}

interface Hosted {
  readonly name: string;
  readonly bootstrap: JsonObject;
  readonly concurrency: number;
}

interface Pending {
  readonly resolve: (value: number | undefined) => void;
  readonly timer: Timer;
}

const REPLY_MS = 15_000;
const MAX_FIRST_STARTS = 3;
const READY_POLL_MS = 25;

export class DataPlaneHost implements ProxyHost {
  #options: DataPlaneHostOptions;
  #process: SupervisedProcess<ToDataPlane, FromDataPlane>;
  #proxies = new Map<string, Hosted>();
  #pending = new Map<number, Pending>();
  #sequence = 0;
  #ready = false;
  #everReady = false;
  #stopped = false;
  #wasReady: Promise<void>;
  #setWasReady: () => void = () => {};

  constructor(options: DataPlaneHostOptions) {
    this.#options = options;
    this.#wasReady = new Promise((resolve) => {
      this.#setWasReady = resolve;
    });
    this.#process = new SupervisedProcess<ToDataPlane, FromDataPlane>({
      name: "data plane",
      command: options.command,
      environment: options.environment,
      clock: options.clock,
      start: () => options.start,
      onMessage: (message) => this.#received(message),
      onOutput: options.onOutput,
      onDied: (reason, delayMs) => {
        this.#ready = false;
        this.#forgetPending();
        options.log.error(`the data plane ${reason}; starting it again`, { delayMs });
        if (!this.#everReady && this.#process.restarts >= MAX_FIRST_STARTS)
          options.onFailed(`it ${reason} again and again; its output above says why`);
      },
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get restarts(): number {
    return this.#process.restarts;
  }

  get whenReady(): Promise<void> {
    return this.#wasReady;
  }

  start(): void {
    this.#process.start();
  }

  addProxy(proxy: Hosted): void {
    this.#proxies.set(nodeIdOf(proxy.bootstrap), proxy);
    if (this.#ready) this.#send(proxy);
  }

  async removeProxy(nodeId: string, drainMs: number): Promise<void> {
    this.#proxies.delete(nodeId);
    await this.#ask((sequence) => ({ type: "remove-proxy", sequence, nodeId, drainMs }));
  }

  inFlight(nodeId: string): Promise<number | undefined> {
    return this.#ask((sequence) => ({ type: "in-flight", sequence, nodeId }));
  }

  async proxyReady(admin: Endpoint, timeoutMs: number): Promise<boolean> {
    const { clock } = this.#options;
    const until = clock.monotonicMs() + timeoutMs;
    while (clock.monotonicMs() < until && !this.#stopped) {
      if (await isLive(admin)) return true;
      await new Promise<void>((resolve) => clock.setTimer(READY_POLL_MS, resolve));
    }
    return false;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#process.stop({ type: "stop" });
    this.#forgetPending();
  }

  kill(): void {
    this.#stopped = true;
    this.#forgetPending();
    this.#process.kill();
  }

  #send(proxy: Hosted): void {
    this.#process.send({
      type: "add-proxy",
      bootstrap: proxy.bootstrap,
      concurrency: proxy.concurrency,
      logPrefix: accessLogPrefix(proxy.name),
    });
  }

  #ask(message: (sequence: number) => ToDataPlane): Promise<number | undefined> {
    const sequence = ++this.#sequence;
    return new Promise((resolve) => {
      if (!this.#ready || !this.#process.send(message(sequence))) return resolve(undefined);
      const timer = this.#options.clock.setTimer(REPLY_MS, () => {
        this.#pending.delete(sequence);
        resolve(undefined);
      });
      this.#pending.set(sequence, { resolve, timer });
    });
  }

  #received(message: FromDataPlane): void {
    switch (message.type) {
      case "ready":
        this.#ready = true;
        this.#everReady = true;
        for (const proxy of this.#proxies.values()) this.#send(proxy);
        this.#setWasReady();
        return;
      case "failed":
        this.#options.onFailed(message.message);
        return;
      case "proxy-failed":
        this.#options.log.error("a proxy could not be started", { proxy: message.nodeId, reason: message.message });
        return;
      case "reply": {
        const pending = this.#pending.get(message.sequence);
        this.#pending.delete(message.sequence);
        pending?.timer.cancel();
        pending?.resolve(message.value);
        return;
      }
    }
  }

  #forgetPending(): void {
    const all = [...this.#pending.values()];
    this.#pending.clear();
    for (const { resolve, timer } of all) {
      timer.cancel();
      resolve(undefined);
    }
  }
}

function nodeIdOf(bootstrap: JsonObject): string {
  const id = (bootstrap["node"] as JsonObject | undefined)?.["id"];
  return typeof id === "string" ? id : "";
}

/** Asks a proxy's own admin endpoint, as `kubectl` asks a pod's readiness. */
function isLive(admin: Endpoint): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ host: admin.address, port: admin.port, path: "/ready", agent: false, timeout: 1_000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.on("timeout", () => asked.destroy());
    asked.on("error", () => resolve(false));
    asked.end();
  });
}
