// What the resources that are here need, live or waiting: endpoints, routes, secrets, answers of DNS, health checks.
import type { HealthCheckNeed } from "#proxy/cluster/health/health-checks";
import type { DnsNeed } from "#proxy/dns/dns-clusters";
import type { SecretNeed } from "#proxy/transport-socket/secret";
import type { Need, RouteNeed } from "./references.ts";
import type { AssignmentFacts, ClusterFacts, ListenerFacts, SecretFacts } from "./resource-facts.ts";
import type { AcceptedResource, ResourceSlots } from "./resource-slots.ts";

interface NeedySlots {
  readonly secrets: ResourceSlots<SecretFacts>;
  readonly clusters: ResourceSlots<ClusterFacts>;
  readonly assignments: ResourceSlots<AssignmentFacts>;
  readonly resolutions: ResourceSlots<AssignmentFacts>;
  readonly listeners: ResourceSlots<ListenerFacts>;
}

export class ConfigNeeds {
  readonly #slots: NeedySlots;

  constructor(slots: NeedySlots) {
    this.#slots = slots;
  }

  /** What to subscribe to, by name. */
  get endpoints(): Map<string, Need> {
    const needs = new Map<string, Need>();
    for (const { live, waiting } of this.#slots.clusters) {
      for (const need of [live?.facts.endpoints, waiting?.facts.endpoints]) if (need !== undefined) needs.set(need.name, need);
    }
    return needs;
  }

  /** What to look up, by DnsConfig.key. */
  get resolutions(): Map<string, DnsNeed> {
    const needs = new Map<string, DnsNeed>();
    for (const { live, waiting } of this.#slots.clusters) {
      for (const need of [live?.facts.dns, waiting?.facts.dns]) if (need !== undefined) needs.set(need.config.key, need);
    }
    return needs;
  }

  /** By key. */
  get secrets(): Map<string, SecretNeed> {
    const needs = new Map<string, SecretNeed>();
    for (const slots of [this.#slots.clusters, this.#slots.listeners]) {
      for (const { live, waiting } of slots) {
        for (const need of live?.facts.secrets ?? []) needs.set(need.key, need);
        for (const need of waiting?.facts.secrets ?? []) needs.set(need.key, need);
      }
    }
    return needs;
  }

  /** Whose hosts to check, by cluster name. Clusters that wait for secrets are left out: nobody could connect to their hosts. */
  get healthChecks(): Map<string, HealthCheckNeed> {
    const needs = new Map<string, HealthCheckNeed>();
    for (const { name, newest } of this.#slots.clusters) {
      const facts = newest?.facts;
      if (facts?.healthChecked === undefined || facts.secrets.some(({ key }) => this.#slots.secrets.get(key) === undefined)) continue;
      needs.set(name, { config: facts.healthChecked, assignment: this.hostsOf(facts)?.bytes });
    }
    return needs;
  }

  hostsOf({ endpoints, dns }: ClusterFacts): AcceptedResource<AssignmentFacts> | undefined {
    if (dns !== undefined) return this.#slots.resolutions.get(dns.config.key)?.newest;
    return endpoints === undefined ? undefined : this.#slots.assignments.get(endpoints.name)?.newest;
  }

  get routes(): Map<string, Need> {
    const needs = new Map<string, Need>();
    for (const { live, waiting } of this.#slots.listeners) {
      for (const need of live?.facts.routes ?? []) needs.set(need.name, need);
      for (const need of waiting?.facts.routes ?? []) needs.set(need.name, need);
    }
    return needs;
  }

  /** One for each connection manager, also where several take the same routes. */
  get routesOfManagers(): RouteNeed[] {
    return [...this.#slots.listeners].flatMap(({ live, waiting }) => [...(live?.facts.routes ?? []), ...(waiting?.facts.routes ?? [])]);
  }
}
