// What a replay server serves: resources by type and name, each with a version that changes when its bytes do.
export interface ReplayResource {
  readonly typeUrl: string;
  readonly name: string;
  readonly value: Uint8Array;
}

export interface VersionedResource {
  readonly value: Uint8Array;
  readonly version: string;
}

const NOTHING: ReadonlyMap<string, VersionedResource> = new Map();

export class ResourceTable {
  #resources: ReadonlyMap<string, ReadonlyMap<string, VersionedResource>> = new Map();
  #counter = 0;

  /** Replaces everything; what is as before keeps its version. */
  set(list: readonly ReplayResource[]): void {
    const next = new Map<string, Map<string, VersionedResource>>();
    for (const { typeUrl, name, value } of list) {
      let ofType = next.get(typeUrl);
      if (ofType === undefined) next.set(typeUrl, (ofType = new Map()));
      const old = this.ofType(typeUrl).get(name);
      const same = old !== undefined && Buffer.compare(old.value, value) === 0;
      ofType.set(name, { value, version: same ? old.version : this.next() });
    }
    this.#resources = next;
  }

  ofType(typeUrl: string): ReadonlyMap<string, VersionedResource> {
    return this.#resources.get(typeUrl) ?? NOTHING;
  }

  /** A number that was never given before: for versions and nonces. */
  next(): string {
    return String(++this.#counter);
  }
}
