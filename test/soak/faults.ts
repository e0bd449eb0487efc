// What is done to the proxy of the soak test while it works: a change of configuration every second, and hosts that come and go.
import type { FakeAuthority } from "#proxy/net/certificates.fake";
import type { HostPorts, Hosts } from "./hosts.ts";
import type { Configuration } from "./resources.ts";

/** From when on, and until when, a host's end may be felt. */
export interface Death {
  readonly fromMs: number;
  untilMs: number;
}

/** A killed host is found out by those who were talking to it at once, and by the configuration within this time. */
const FELT_MS = 2_000;
const KINDS = ["routes", "clusters", "endpoints", "listeners", "secrets"] as const;

export interface FaultsOptions {
  readonly hosts: Hosts;
  readonly authority: FakeAuthority;
  readonly configuration: Configuration;
  readonly random: () => number;
  readonly nowMs: () => number;
  /** Tells the proxy. */
  readonly apply: (configuration: Configuration) => void;
  /** Until the proxy sends nothing new to a host that left the configuration. */
  readonly isLeft: (ports: HostPorts) => Promise<void>;
}

export class Faults {
  readonly #options: FaultsOptions;
  #configuration: Configuration;
  readonly deaths: Death[] = [];
  readonly counts = new Map<string, number>();
  /** A host is left out for a moment though it is well. */
  #leftOut = false;

  constructor(options: FaultsOptions) {
    this.#options = options;
    this.#configuration = options.configuration;
  }

  #count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  #apply(change: Partial<Configuration>): void {
    const ports = this.#options.hosts.ports;
    const hosts = this.#leftOut && ports.length > 1 ? ports.slice(1) : ports;
    this.#configuration = { ...this.#configuration, hosts, ...change };
    this.#options.apply(this.#configuration);
  }

  /** Once a second. */
  changeConfiguration(): void {
    const { random, authority } = this.#options;
    const { routeRevision, clusterRevision, listenerRevision } = this.#configuration;
    const kind = KINDS[Math.floor(random() * KINDS.length)]!;
    this.#count(`changes of ${kind}`);
    switch (kind) {
      case "routes":
        this.#apply({ routeRevision: routeRevision + 1 });
        break;
      case "clusters":
        this.#apply({ clusterRevision: clusterRevision + 1 });
        break;
      case "endpoints":
        this.#leftOut = !this.#leftOut;
        this.#apply({});
        break;
      case "listeners":
        this.#apply({ listenerRevision: listenerRevision + 1 });
        break;
      case "secrets":
        this.#apply({
          certificate: authority.issue({
            hosts: ["soak.example"],
            uris: [`spiffe://soak/${routeRevision}/${clusterRevision}/${listenerRevision}/${random()}`],
          }),
        });
        break;
    }
  }

  /** A new host comes; then the oldest leaves the configuration, and ends in order. */
  async restartInOrder(): Promise<void> {
    const { hosts, nowMs, isLeft } = this.#options;
    this.#count("hosts ended in order");
    await hosts.add();
    const leaving = hosts.takeOldest();
    this.#apply({});
    await isLeft(leaving.ports);
    // What still runs there may be longer than its drain: WebSockets, TCP.
    const death: Death = { fromMs: nowMs(), untilMs: Number.POSITIVE_INFINITY };
    this.deaths.push(death);
    await leaving.drain();
    death.untilMs = nowMs() + FELT_MS;
  }

  /** The oldest host dies, and the configuration learns of it later. */
  async kill(): Promise<void> {
    const { hosts, nowMs } = this.#options;
    this.#count("hosts killed");
    const death: Death = { fromMs: nowMs(), untilMs: Number.POSITIVE_INFINITY };
    this.deaths.push(death);
    await hosts.killOldest();
    await hosts.add();
    hosts.takeOldest();
    this.#apply({});
    death.untilMs = nowMs() + FELT_MS;
  }
}
