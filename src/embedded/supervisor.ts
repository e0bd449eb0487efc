// The embedded mesh: control plane, data plane, ingress gateway and workloads, each started, watched and ended in order. It only
// supervises: no configuration is read and no request is served in this process.
import { rmSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { bootstrap, gatewayMetadata, nodeId } from "#agent/bootstrap";
import type { Endpoint, ProxyIdentity } from "#agent/bootstrap";
import { AgentChannel } from "#agent/health-stream";
import type { InstanceAddress } from "#agent/instance-address";
import type { Finding } from "#api/finding";
import type { Clock } from "#runtime/clock";
import type { Log } from "#runtime/log";
import type { Random } from "#runtime/random";
import { AddressPool } from "./address-pool.ts";
import { SupervisedProcess } from "./child-process.ts";
import type { FromControlPlane, LogSettings, RunnableGroup, ToControlPlane } from "./child-messages.ts";
import { choosePort, DEFAULT_API_PORT, DEFAULT_GRPC_PORT, DEFAULT_HTTP_PORT } from "./control-plane-ports.ts";
import { DataPlaneHost } from "./data-plane-host.ts";
import type { JoinEvent, JoinRequest } from "./join-request.ts";
import { NodeFolder } from "./node-folder.ts";
import { PlaceLocks } from "./place-locks.ts";
import { groupName, isServiceName, quickServiceGroup, quickServiceYaml } from "./service-yaml.ts";
import { Watchdog } from "./watchdog.ts";
import { WorkloadSet } from "./workload-set.ts";
import type { WorkloadStatus } from "./workload-set.ts";

export interface SupervisorOptions {
  /** Program and arguments that start mizzen itself as one of its processes. */
  readonly self: { readonly controlPlane: readonly string[]; readonly dataPlane: readonly string[] };
  /** The Node that runs mizzen: what applications get when the user's own is too old. */
  readonly node: string;
  readonly version: string;
  readonly sources: readonly string[];
  readonly recursive: boolean;
  readonly dataDirectory: string;
  /** The user's, which applications get. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What our own processes get beside it. */
  readonly ownEnvironment: Readonly<Record<string, string>>;
  readonly userPath: string | undefined;
  readonly threads: number;
  readonly logSettings: LogSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly observer: SupervisorObserver;
}

export interface SupervisorObserver {
  progress(step: string): void;
  findings(added: readonly Finding[], gone: readonly Finding[]): void;
  application(instance: string, readable: Readable): void;
  process(name: "control-plane" | "data-plane", readable: Readable): void;
}

export interface MeshStatus {
  readonly controlPlane: {
    readonly pid: number | undefined;
    readonly restarts: number;
    readonly grpcPort: number;
    readonly httpPort: number;
    readonly apiPort: number;
  };
  readonly dataPlane: { readonly pid: number | undefined; readonly restarts: number };
  readonly proxies: readonly (WorkloadStatus & { readonly type: "router" | "sidecar" })[];
}

/** Something the user can put right. */
export class SupervisorError extends Error {
  override readonly name = "SupervisorError";
}

const GATEWAY_NAME = "istio-ingressgateway-1";
const GATEWAY_NAMESPACE = "istio-system";
const GATEWAY_DRAIN_MS = 500;
// A process that dies this often before it was ever ready will not get better by itself.
const MAX_FIRST_STARTS = 3;
const DEFAULT_TERMINATION_DRAIN_MS = 5_000;

interface Parts {
  readonly controlPlane: SupervisedProcess<ToControlPlane, FromControlPlane>;
  readonly dataPlane: DataPlaneHost;
  readonly channel: AgentChannel;
  readonly pool: AddressPool;
  readonly watchdog: Watchdog;
  readonly workloads: WorkloadSet;
  readonly grpcPort: number;
  readonly httpPort: number;
  readonly apiPort: number;
}

export class Supervisor {
  #options: SupervisorOptions;
  #parts: Parts | undefined;
  #gateway: { readonly place: InstanceAddress; readonly nodeId: string } | undefined;
  /** YAML given by hand, by its name: a restarted control plane gets it again. */
  #objects = new Map<string, string>();
  #stopping: Promise<void> | undefined;
  readonly #locks = new PlaceLocks();
  #failed: Promise<never>;
  #fail: (message: string) => void = () => {};
  #firstGroups: Promise<void>;
  #gotGroups: () => void = () => {};
  #listening: Promise<void>;
  #listens: () => void = () => {};

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#failed = new Promise((_resolve, reject) => {
      this.#fail = (message) => reject(new SupervisorError(message));
    });
    // A process that fails after the start is logged and started again: nobody waits for this promise then.
    this.#failed.catch(() => {});
    this.#firstGroups = new Promise((resolve) => {
      this.#gotGroups = resolve;
    });
    this.#listening = new Promise((resolve) => {
      this.#listens = resolve;
    });
  }

  get gatewayAdmin(): Endpoint | undefined {
    return this.#gateway === undefined ? undefined : { address: this.#gateway.place.address, port: this.#gateway.place.adminPort };
  }

  get controlPlanePorts(): { readonly grpcPort: number; readonly httpPort: number; readonly apiPort: number } {
    const { grpcPort = 0, httpPort = 0, apiPort = 0 } = this.#parts ?? {};
    return { grpcPort, httpPort, apiPort };
  }

  /**
   * Starts everything. Resolves when traffic can flow, with the names of what was not ready within `readyTimeoutMs`.
   * @throws SupervisorError when a part of the mesh cannot run at all
   */
  async start(readyTimeoutMs: number): Promise<readonly string[]> {
    const { observer, dataDirectory } = this.#options;
    // State of an earlier mesh describes addresses that belong to nobody now; it is of use only within one run.
    for (const folder of ["control-plane", "data-plane"]) rmSync(join(dataDirectory, folder), { recursive: true, force: true });
    const parts = await this.#assemble();
    this.#parts = parts;
    parts.controlPlane.start();
    parts.dataPlane.start();
    await Promise.race([this.#listening, this.#failed]);
    observer.progress(`control plane ready: xDS on 127.0.0.1:${parts.grpcPort}, debug on http://127.0.0.1:${parts.httpPort}`);
    observer.progress(`Kubernetes API ready: https://127.0.0.1:${parts.apiPort}`);
    await Promise.race([Promise.all([parts.dataPlane.whenReady, this.#firstGroups]), this.#failed]);
    return this.#whenLive(parts, readyTimeoutMs);
  }

  async #assemble(): Promise<Parts> {
    const { clock, log, observer, self, environment, ownEnvironment, dataDirectory, logSettings, threads, userPath } = this.#options;
    const watchdog = new Watchdog((reason) =>
      log.warn("if mizzen is killed now, applications go on running: the watchdog is gone", { reason }),
    );
    const [pool, grpcPort, httpPort, apiPort] = await Promise.all([
      AddressPool.open(this.#locks),
      choosePort(DEFAULT_GRPC_PORT, this.#locks),
      choosePort(DEFAULT_HTTP_PORT, this.#locks),
      choosePort(DEFAULT_API_PORT, this.#locks),
    ]);
    const controlPlane = new SupervisedProcess<ToControlPlane, FromControlPlane>({
      name: "control plane",
      command: [...self.controlPlane, "--supervised"],
      environment: { ...environment, ...ownEnvironment },
      clock,
      start: () => ({
        type: "start",
        sources: this.#options.sources,
        recursive: this.#options.recursive,
        grpcPort,
        httpPort,
        apiPort,
        stateDirectory: join(dataDirectory, "control-plane"),
        dataDirectory,
        log: logSettings,
      }),
      onMessage: (message) => this.#fromControlPlane(message),
      onOutput: (_stream, readable) => observer.process("control-plane", readable),
      onDied: (reason, delayMs) => {
        log.error(`the control plane ${reason}; starting it again, traffic goes on meanwhile`, { delayMs });
        if (controlPlane.restarts >= MAX_FIRST_STARTS) this.#fail(`the control plane ${reason} again and again; its output above says why`);
      },
    });
    const dataPlane = new DataPlaneHost({
      command: [...self.dataPlane, "--supervised"],
      environment: { ...environment, ...ownEnvironment },
      start: { type: "start", threads, stateDirectory: join(dataDirectory, "data-plane"), log: logSettings },
      clock,
      log,
      onOutput: (_stream, readable) => observer.process("data-plane", readable),
      onFailed: (message) => this.#fail(`the data plane cannot run: ${message}`),
    });
    const channel = new AgentChannel(`127.0.0.1:${grpcPort}`);
    const nodeFolder = new NodeFolder(dataDirectory, this.#options.node, userPath ?? environment["PATH"] ?? "", (reason) =>
      log.info(`programs started with "node" run on mizzen's own ${process.version}: ${reason}`),
    );
    const workloads = new WorkloadSet({
      pool,
      proxies: dataPlane,
      channel,
      controlPlane: { address: "127.0.0.1", port: grpcPort },
      nodeFolder,
      environment,
      userPath,
      version: this.#options.version,
      clock,
      random: this.#options.random,
      log,
      onOutput: (instance, readable) => observer.application(instance, readable),
      onGroup: (event, processGroup) => watchdog.tell(event, processGroup),
    });
    await this.#addGateway(pool, dataPlane, grpcPort);
    return { controlPlane, dataPlane, channel, pool, watchdog, workloads, grpcPort, httpPort, apiPort };
  }

  async #addGateway(pool: AddressPool, dataPlane: DataPlaneHost, grpcPort: number): Promise<void> {
    const place = await pool.allocate([]);
    const identity: ProxyIdentity = {
      type: "router",
      name: GATEWAY_NAME,
      namespace: GATEWAY_NAMESPACE,
      address: place.address,
      labels: { app: "istio-ingressgateway", istio: "ingressgateway" },
      serviceAccount: "istio-ingressgateway-service-account",
      workload: "istio-ingressgateway",
      version: this.#options.version,
    };
    const metadata = gatewayMetadata(identity, loopbackAddresses());
    const admin = { address: place.address, port: place.adminPort };
    const document = bootstrap({ identity, metadata, admin, controlPlanes: [{ address: "127.0.0.1", port: grpcPort }] });
    this.#gateway = { place, nodeId: nodeId(identity) };
    dataPlane.addProxy({ name: GATEWAY_NAME, bootstrap: document, concurrency: this.#options.threads });
  }

  #fromControlPlane(message: FromControlPlane): void {
    switch (message.type) {
      case "ready":
        this.#listens();
        for (const [name, yaml] of this.#objects) this.#parts?.controlPlane.send({ type: "objects", name, yaml });
        return;
      case "failed":
        this.#fail(`the control plane cannot run: ${message.message}`);
        return;
      case "findings":
        this.#options.observer.findings(message.added, message.gone);
        return;
      case "groups":
        void this.#parts?.workloads.setGroups(message.groups).then(this.#gotGroups);
        return;
    }
  }

  /** Waits for gateway, sidecars and workloads; what is late is named and goes on starting. */
  async #whenLive(parts: Parts, timeoutMs: number): Promise<readonly string[]> {
    const { clock, observer } = this.#options;
    const admin = this.gatewayAdmin;
    const waiting = new Map<string, Promise<boolean>>(parts.workloads.whenLive().map(({ instance, live }) => [instance, live]));
    if (admin !== undefined) waiting.set(GATEWAY_NAME, parts.dataPlane.proxyReady(admin, timeoutMs));
    const late = new Set(waiting.keys());
    let stopWaiting: () => void = () => {};
    const timeout = new Promise<void>((resolve) => {
      const timer = clock.setTimer(timeoutMs, resolve);
      stopWaiting = () => timer.cancel();
    });
    const all = Promise.all([...waiting].map(([name, live]) => live.then((ready) => ready && late.delete(name))));
    await Promise.race([all, timeout, this.#failed]);
    stopWaiting();
    const workloads = waiting.size - 1;
    const missing = [...late].filter((name) => name !== GATEWAY_NAME).length;
    observer.progress(`workloads ready: ${workloads - missing} of ${workloads}`);
    return [...late].sort();
  }

  status(): MeshStatus {
    const parts = this.#parts;
    const gateway = this.#gateway;
    return {
      controlPlane: { pid: parts?.controlPlane.pid, restarts: parts?.controlPlane.restarts ?? 0, ...this.controlPlanePorts },
      dataPlane: { pid: parts?.dataPlane.pid, restarts: parts?.dataPlane.restarts ?? 0 },
      proxies: [
        ...(gateway === undefined
          ? []
          : [
              {
                type: "router" as const,
                name: GATEWAY_NAME,
                namespace: GATEWAY_NAMESPACE,
                nodeId: gateway.nodeId,
                group: "",
                state: "gateway",
                address: gateway.place.address,
                adminPort: gateway.place.adminPort,
                httpProxyPort: 0,
                pid: parts?.dataPlane.pid,
                restarts: 0,
                byHand: false,
              },
            ]),
        ...(parts?.workloads.status() ?? []).map((workload) => ({ type: "sidecar" as const, ...workload })),
      ],
    };
  }

  /** An application from another terminal joins. @throws SupervisorError when the mesh cannot take it */
  async join(request: JoinRequest, tell: (event: JoinEvent) => void): Promise<string> {
    const parts = this.#parts;
    if (parts === undefined || this.#stopping !== undefined)
      throw new SupervisorError("the mesh is not running yet or is being stopped; try again");
    if (request.service !== undefined) {
      const service = { ...request.service, namespace: request.namespace };
      if (!isServiceName(service.name))
        throw new SupervisorError(`"${service.name}" cannot be the name of a service: use a-z, 0-9 and "-"`);
      // A group of that name from the configuration means that the service is described there already.
      const known = parts.workloads.findGroup(service.namespace, groupName(service));
      if (known !== undefined && !this.#objects.has(objectsName(known))) return parts.workloads.join(known, service.port, undefined, tell);
      const group = quickServiceGroup(service, request.directory, DEFAULT_TERMINATION_DRAIN_MS);
      const yaml = quickServiceYaml(service);
      this.#setObjects(objectsName(group), yaml);
      return parts.workloads.join(group, service.port, yaml, tell);
    }
    const [first = "", second] = (request.group ?? "").split("/");
    const group = second === undefined ? parts.workloads.findGroup(request.namespace, first) : parts.workloads.findGroup(first, second);
    if (group === undefined) {
      const names = parts.workloads.groupNames.map((name) => name.replace(/^default\//, ""));
      throw new SupervisorError(
        `there is no WorkloadGroup ${request.group}; ${names.length === 0 ? "none is configured" : `known: ${names.join(", ")}`}`,
      );
    }
    return parts.workloads.join({ ...group, directory: request.directory }, undefined, undefined, tell);
  }

  async drain(instance: string): Promise<boolean> {
    return (await this.#parts?.workloads.drain(instance)) ?? false;
  }

  async leave(instance: string, reason: string): Promise<void> {
    const parts = this.#parts;
    if (parts === undefined) return;
    const member = parts.workloads.status().find((status) => status.name === instance);
    await parts.workloads.leave(instance, reason);
    if (member === undefined) return;
    const name = `${member.namespace}/${member.group}`;
    const others = parts.workloads.status().some((status) => status.namespace === member.namespace && status.group === member.group);
    if (!others && this.#objects.has(name)) this.#setObjects(name, "");
  }

  #setObjects(name: string, yaml: string): void {
    if (yaml === "") this.#objects.delete(name);
    else this.#objects.set(name, yaml);
    this.#parts?.controlPlane.send({ type: "objects", name, yaml });
  }

  /** Ends everything in order: no new requests, workloads, data plane, control plane. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const parts = this.#parts;
    if (parts === undefined) return;
    if (this.#gateway !== undefined) await parts.dataPlane.removeProxy(this.#gateway.nodeId, GATEWAY_DRAIN_MS);
    await parts.workloads.close();
    parts.channel.close();
    await parts.dataPlane.stop();
    await parts.controlPlane.stop({ type: "stop" });
    parts.watchdog.close();
    this.#locks.close();
  }

  /** Ends everything at once. */
  kill(): void {
    const parts = this.#parts;
    parts?.dataPlane.kill();
    parts?.workloads.kill();
    parts?.controlPlane.kill();
    parts?.channel.close();
    parts?.watchdog.close();
    this.#locks.close();
  }
}

function objectsName(group: RunnableGroup): string {
  return `${group.spec.namespace}/${group.spec.group}`;
}

/** Where a gateway of this machine listens: both loopback addresses, without the one that the machine does not have. */
function loopbackAddresses(): readonly string[] {
  const has6 = Object.values(networkInterfaces()).some((addresses) => addresses?.some((address) => address.address === "::1") ?? false);
  return has6 ? ["127.0.0.1", "::1"] : ["127.0.0.1"];
}
