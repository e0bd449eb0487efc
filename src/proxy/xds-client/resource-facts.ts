// What the main thread learns of a resource when it checks it: its name and what it needs before it can go live.
import type { ClusterConfig } from "#proxy/cluster/cluster-config";
import type { DnsNeed } from "#proxy/dns/dns-clusters";
import type { SecretNeed } from "#proxy/transport-socket/secret";
import type { ListenerReferences, Need } from "./references.ts";

export interface ClusterFacts {
  readonly name: string;
  readonly endpoints: Need | undefined;
  /** A DNS cluster waits for its first answer instead. */
  readonly dns: DnsNeed | undefined;
  readonly secrets: readonly SecretNeed[];
  /** Its hosts are checked: it waits for the first result of each. */
  readonly healthChecked: ClusterConfig | undefined;
}
export interface SecretFacts {
  readonly name: string;
}
export interface AssignmentFacts {
  readonly name: string;
}
export interface RouteFacts {
  readonly name: string;
  readonly clusters: ReadonlySet<string>;
}
export interface ListenerFacts extends ListenerReferences {
  readonly name: string;
  readonly secrets: readonly SecretNeed[];
}

/** The listener is fine but its address cannot be had now. It is refused, and tried again from time to time. */
export class BindError extends Error {
  override readonly name = "BindError";
  readonly code = "BIND_FAILED";
}

/** Checks on the main thread: everything that can be wrong with a resource. @throws ConfigError */
export interface ResourceChecks {
  /** `key`: see SecretNeed. */
  secret(bytes: Uint8Array, key: string): SecretFacts;
  cluster(bytes: Uint8Array): ClusterFacts;
  assignment(bytes: Uint8Array): AssignmentFacts;
  route(bytes: Uint8Array): RouteFacts;
  /** Also takes the sockets: a bind that fails is a BindError. `leaving`: listeners that go with the same response. */
  listener(bytes: Uint8Array, leaving: ReadonlySet<string>): ListenerFacts;
}
