// What the main thread tells the traffic threads of one proxy: resources that are checked and warm, as raw bytes, in the order in which
// they must be applied: secrets, clusters, endpoints, routes, listeners; then what is gone, in reverse.

export interface ResourceBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface ProxyUpdate {
  /** By `SecretNeed.key`. */
  readonly secrets: readonly ResourceBytes[];
  readonly clusters: readonly ResourceBytes[];
  readonly assignments: readonly ResourceBytes[];
  readonly routes: readonly ResourceBytes[];
  readonly listeners: readonly ResourceBytes[];
  readonly removedListeners: readonly string[];
  readonly removedRoutes: readonly string[];
  readonly removedAssignments: readonly string[];
  readonly removedClusters: readonly string[];
  readonly removedSecrets: readonly string[];
}

export function isEmptyUpdate(update: ProxyUpdate): boolean {
  return Object.values(update).every((list: readonly unknown[]) => list.length === 0);
}

/** Whoever makes an update live on every traffic thread. Settles when all of them have, with what went wrong, by resource. */
export interface UpdateTarget {
  apply(update: ProxyUpdate): Promise<readonly string[]>;
}

export function emptyUpdate(): ProxyUpdate {
  return {
    secrets: [],
    clusters: [],
    assignments: [],
    routes: [],
    listeners: [],
    removedListeners: [],
    removedRoutes: [],
    removedAssignments: [],
    removedClusters: [],
    removedSecrets: [],
  };
}
