// What the debug server shows: read-only, asked for at each request.
import type { Finding } from "#api/finding";
import type { ObjectSet } from "#control-plane/config/object-set";
import type { Mesh } from "#control-plane/mesh/mesh";
import type { Distribution } from "#control-plane/xds/distribution";
import type { DiscoveryServer } from "#control-plane/xds/discovery-server";

export interface DebugState {
  readonly version: string;
  readonly mesh: Mesh;
  readonly objects: ObjectSet;
  /** Kinds that the store may hold, for the list of all objects. */
  readonly kinds: readonly string[];
  readonly findings: readonly Finding[];
  readonly server: DiscoveryServer;
  readonly distribution: Distribution;
  /** Of the Kubernetes API; "" where it is not served. */
  readonly apiMetrics: () => string;
}
