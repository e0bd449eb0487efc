// Stands beside one instance of an application: gives it a sidecar, watches its health, registers it, and takes it out of traffic
// before it ends. It neither starts nor ends the application (embedded/ or `mizzen run` do).
import type { Clock } from "#runtime/clock";
import type { Log } from "#runtime/log";
import type { Random } from "#runtime/random";
import { bootstrap, nodeId, registrationMetadata, sidecarMetadata } from "./bootstrap.ts";
import type { Endpoint, JsonObject, ProxyIdentity } from "./bootstrap.ts";
import { HealthStream } from "./health-stream.ts";
import type { AgentChannel } from "./health-stream.ts";
import type { InstanceAddress } from "./instance-address.ts";
import { checkFor, tcpCheck } from "./probe-check.ts";
import { Prober } from "./probe.ts";
import type { Readiness } from "./probe.ts";
import type { WorkloadSpec } from "./workload-spec.ts";

/** Who runs proxies: the data-plane process of an embedded mesh. */
export interface ProxyHost {
  addProxy(proxy: { readonly name: string; readonly bootstrap: JsonObject; readonly concurrency: number }): void;
  removeProxy(nodeId: string, drainMs: number): Promise<void>;
  /** Requests that the proxy is working on, or undefined when nobody can say. */
  inFlight(nodeId: string): Promise<number | undefined>;
  /** Resolves once the proxy has its first configuration; false when that took longer than `timeoutMs`. */
  proxyReady(admin: Endpoint, timeoutMs: number): Promise<boolean>;
}

export interface WorkloadAgentOptions {
  readonly instance: string;
  readonly spec: WorkloadSpec;
  readonly place: InstanceAddress;
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly controlPlane: Endpoint;
  readonly channel: AgentChannel;
  readonly proxies: ProxyHost;
  readonly version: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Longest wait for requests in flight when the workload drains (Istio's terminationDrainDuration). */
  readonly terminationDrainMs: number;
}

export type AgentHealth = "starting" | "healthy" | "unhealthy" | "draining";

const DRAIN_ANSWER_MS = 5_000;
const IN_FLIGHT_POLL_MS = 20;
const SIDECAR_READY_MS = 30_000;
// Before the first success: a program is taken into the endpoints as soon as it listens.
const START_PERIOD_MS = 100;

export class WorkloadAgent {
  readonly nodeId: string;
  #options: WorkloadAgentOptions;
  #health: HealthStream;
  #bootstrap: JsonObject;
  #prober: Prober | undefined;
  #state: AgentHealth = "starting";
  #sidecarReady: Promise<boolean> | undefined;
  #closed = false;
  #live: Promise<boolean>;
  #setLive: (live: boolean) => void = () => {};

  constructor(options: WorkloadAgentOptions) {
    this.#options = options;
    const { spec, place, instance, version, controlPlane } = options;
    const identity: ProxyIdentity = {
      type: "sidecar",
      name: instance,
      namespace: spec.namespace,
      address: place.address,
      labels: spec.labels,
      serviceAccount: spec.serviceAccount,
      workload: spec.group,
      version,
    };
    const metadata = sidecarMetadata(identity, place.inbound, { address: place.address, port: place.httpProxyPort });
    this.nodeId = nodeId(identity);
    const admin = { address: place.address, port: place.adminPort };
    this.#bootstrap = bootstrap({ identity, metadata, admin, controlPlanes: [controlPlane] });
    this.#health = new HealthStream({
      channel: options.channel,
      node: {
        id: this.nodeId,
        cluster: `${spec.labels["app"] ?? spec.group}.${spec.namespace}`,
        metadata: registrationMetadata(metadata, spec.group),
      },
      clock: options.clock,
      random: options.random,
      log: options.log,
    });
    this.#live = new Promise((resolve) => {
      this.#setLive = resolve;
    });
  }

  get state(): AgentHealth {
    return this.#state;
  }

  /** Resolves true once the workload was announced and every proxy knows, false when the agent was closed before. */
  get live(): Promise<boolean> {
    return this.#live;
  }

  /** Starts the sidecar. Its readiness is awaited in the background: the application may start meanwhile. */
  start(): void {
    const { proxies, place, instance } = this.#options;
    proxies.addProxy({ name: instance, bootstrap: this.#bootstrap, concurrency: 1 });
    this.#sidecarReady = proxies.proxyReady({ address: place.address, port: place.adminPort }, SIDECAR_READY_MS);
  }

  /** The application was started (again): probe it from now on. */
  applicationStarted(): void {
    this.#prober?.stop();
    const { spec, place, clock, directory, environment } = this.#options;
    const first = place.inbound[0];
    const onChange = (readiness: Readiness): void => void this.#changed(readiness);
    if (spec.probe !== undefined) {
      const applicationPort = (declared: number): number =>
        place.inbound.find(({ port }) => port.number === declared)?.application.port ?? declared;
      const check = checkFor(spec.probe.action, { applicationPort, directory, environment });
      this.#prober = new Prober({ spec: spec.probe, check, clock, onChange, startPeriodMs: START_PERIOD_MS });
    } else if (first !== undefined) {
      const timing = { initialDelaySeconds: 0, timeoutSeconds: 1, periodSeconds: 1, successThreshold: 1, failureThreshold: 1 };
      const check = tcpCheck("127.0.0.1", first.application.port);
      this.#prober = new Prober({ spec: timing, check, clock, onChange, startPeriodMs: START_PERIOD_MS, once: true });
    } else {
      void this.#changed({ ready: true });
      return;
    }
    this.#prober.start();
  }

  /** The application ended: nobody may be sent to it from now on. */
  applicationEnded(reason: string): void {
    this.#prober?.stop();
    this.#prober = undefined;
    if (this.#state === "healthy" || this.#state === "unhealthy") void this.#changed({ ready: false, reason });
  }

  async #changed(readiness: Readiness): Promise<void> {
    if (readiness.ready) {
      const prober = this.#prober;
      // An endpoint is announced only when its sidecar listens: else its first requests would be refused.
      const ready = (await this.#sidecarReady) ?? false;
      if (this.#closed || this.#state === "draining" || prober !== this.#prober) return;
      if (!ready)
        this.#options.log.warn("the sidecar is not ready yet; announcing its workload all the same", { workload: this.#options.instance });
      this.#state = "healthy";
      this.#health.report({ state: "healthy" });
      if (await this.#health.settled(SIDECAR_READY_MS)) this.#setLive(true);
      return;
    }
    if (this.#state === "draining") return;
    this.#state = "unhealthy";
    this.#options.log.info("workload left the endpoints", { workload: this.#options.instance, reason: readiness.reason });
    this.#health.report({ state: "unhealthy", reason: readiness.reason });
  }

  /** Takes the workload out of traffic and waits until nobody is using it any more, within limits. */
  async drain(): Promise<void> {
    this.#prober?.stop();
    this.#prober = undefined;
    const announced = this.#state === "healthy" || this.#state === "unhealthy";
    this.#state = "draining";
    if (!announced) return;
    this.#health.report({ state: "draining" });
    if (!(await this.#health.settled(DRAIN_ANSWER_MS))) {
      this.#options.log.warn("the control plane did not confirm that all proxies know; ending the workload all the same", {
        workload: this.#options.instance,
      });
    }
    await this.#idle();
  }

  async #idle(): Promise<void> {
    const { clock, proxies, terminationDrainMs, log, instance } = this.#options;
    const until = clock.monotonicMs() + terminationDrainMs;
    for (;;) {
      const active = await proxies.inFlight(this.nodeId);
      if (active === undefined || active === 0) return;
      if (clock.monotonicMs() >= until) {
        log.warn("requests are still in flight, ending the workload all the same", { workload: instance, requests: active });
        return;
      }
      await new Promise<void>((resolve) => clock.setTimer(IN_FLIGHT_POLL_MS, resolve));
    }
  }

  /** Ends registration and sidecar. Call after `drain` and after the application ended. */
  async close(drainMs: number): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#prober?.stop();
    this.#setLive(false);
    this.#health.close();
    await this.#options.proxies.removeProxy(this.nodeId, drainMs);
  }
}
