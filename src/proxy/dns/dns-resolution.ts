// The lookups of one DNS cluster: each of its names again and again, as Envoy does.
import { BackOff } from "#proxy/back-off";
import type { DnsAnswer, DnsResolver } from "#proxy/net/dns-resolver";
import type { ClusterLoadAssignment } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import type { Clock, Timer } from "#runtime/clock";
import type { Log } from "#runtime/log";
import type { Random } from "#runtime/random";
import type { Counter, StatsScope } from "#telemetry/stats/store";
import type { DnsConfig } from "./dns-config.ts";
import { nameOfEndpoint, resolvedAssignment } from "./resolved-assignment.ts";

export interface DnsResolutionOptions {
  readonly config: DnsConfig;
  readonly resolver: DnsResolver;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** `cluster.<name>.` */
  readonly stats: StatsScope;
  /** The first answer or failure, whatever it was, and then every change. Cluster name: `config.key`. */
  readonly onHosts: (assignment: ClusterLoadAssignment) => void;
}

interface Target {
  readonly name: string;
  addresses: readonly string[];
  timer: Timer | undefined;
  failing: boolean;
}

export class DnsResolution {
  readonly #options: DnsResolutionOptions;
  readonly #targets: readonly Target[];
  readonly #backOff: BackOff | undefined;
  readonly #attempt: Counter;
  readonly #success: Counter;
  readonly #failure: Counter;
  readonly #noRebuild: Counter;
  #published = false;
  #closed = false;

  constructor(options: DnsResolutionOptions) {
    this.#options = options;
    const { config, random, stats } = options;
    this.#targets = config.assignment.endpoints
      .flatMap(({ lbEndpoints }) => lbEndpoints)
      .map((endpoint) => ({ name: nameOfEndpoint(endpoint) ?? "", addresses: [], timer: undefined, failing: false }));
    this.#backOff = config.failureBackOff === undefined ? undefined : new BackOff(random, config.failureBackOff);
    this.#attempt = stats.counter("update_attempt");
    this.#success = stats.counter("update_success");
    this.#failure = stats.counter("update_failure");
    this.#noRebuild = stats.counter("update_no_rebuild");
  }

  start(): void {
    for (const target of this.#targets) void this.#resolve(target);
    // As Envoy: without names all of them are resolved.
    if (this.#targets.length === 0) this.#publish();
  }

  close(): void {
    this.#closed = true;
    for (const { timer } of this.#targets) timer?.cancel();
    this.#options.stats.release();
  }

  async #resolve(target: Target): Promise<void> {
    const { config, resolver, clock } = this.#options;
    this.#attempt.inc();
    const answer = await resolver.resolve(target.name, config.family);
    if (this.#closed) return;
    const nextMs = this.#take(target, answer);
    target.timer = clock.setTimer(nextMs, () => void this.#resolve(target), true);
  }

  /** Returns when to ask again. */
  #take(target: Target, answer: DnsAnswer): number {
    const { config, random, log } = this.#options;
    // Envoy's logical host stays where it is when its name has no address any more.
    if (!answer.ok || (config.logical && answer.addresses.length === 0)) {
      this.#failure.inc();
      const why = answer.ok ? "it has no address" : answer.detail;
      if (!target.failing) log.warn("a name cannot be resolved", { name: target.name, why });
      target.failing = true;
      // Envoy's warming ends with the first answer, even one that says nothing.
      if (!this.#published) this.#publish();
      return this.#backOff?.nextMs() ?? config.refreshMs;
    }
    target.failing = false;
    this.#success.inc();
    this.#backOff?.reset();
    const addresses = [...new Set(answer.addresses.map(({ address }) => address))];
    // Which of them comes first says something of a logical host alone: it is tried first.
    const moved = config.logical && addresses[0] !== target.addresses[0];
    const same = !moved && sameAddresses(addresses, target.addresses);
    if (same) this.#noRebuild.inc();
    else target.addresses = addresses;
    if (!same || !this.#published) this.#publish();
    const used = config.logical ? answer.addresses.slice(0, 1) : answer.addresses;
    const ttlMs = config.respectTtl && used.length > 0 ? Math.min(...used.map((one) => one.ttlMs)) : 0;
    return (ttlMs > 0 ? ttlMs : config.refreshMs) + (config.jitterMs > 0 ? random.integer(config.jitterMs) : 0);
  }

  #publish(): void {
    const { config, onHosts } = this.#options;
    this.#published = true;
    onHosts(resolvedAssignment(config.assignment, config.key, (index) => this.#targets[index]?.addresses ?? [], config.logical));
  }
}

/** Servers rotate their answers: the order says nothing. */
function sameAddresses(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((address) => b.includes(address));
}
