// What one delta xDS stream owes the server for one resource type: names to subscribe and unsubscribe, versions we hold, the ACK or
// NACK to send. Pure state: whoever owns the stream asks for the next request.
import { create } from "@bufbuild/protobuf";
import type { Node } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { DeltaDiscoveryRequestSchema } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import type { DeltaDiscoveryRequest } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";

export class DeltaSubscription {
  readonly typeUrl: string;
  /** CDS and LDS: everything that the server has for this node. */
  readonly wildcard: boolean;
  /** Nothing is asked while it is true: listeners wait until clusters are there. */
  paused = false;
  readonly #names = new Set<string>();
  readonly #versions = new Map<string, string>();
  readonly #added = new Set<string>();
  readonly #removed = new Set<string>();
  #started = false;

  constructor(typeUrl: string, wildcard: boolean) {
    this.typeUrl = typeUrl;
    this.wildcard = wildcard;
  }

  get names(): ReadonlySet<string> {
    return this.#names;
  }

  /** The names that are wanted from now on. */
  want(names: ReadonlySet<string>): void {
    for (const name of names) {
      if (this.#names.has(name)) continue;
      this.#names.add(name);
      // Also when an unsubscription of it has not gone out yet: a server answers a repeated subscription with the resource.
      this.#removed.delete(name);
      this.#added.add(name);
    }
    for (const name of this.#names) {
      if (names.has(name)) continue;
      this.#names.delete(name);
      this.#versions.delete(name);
      this.#added.delete(name);
      this.#removed.add(name);
    }
  }

  /** The version of a resource that we hold, told to the next stream so that it sends only what differs. */
  accepted(name: string, version: string): void {
    // Names of which somebody else is asked may be told here, too.
    if (this.wildcard || this.#names.has(name)) this.#versions.set(name, version);
  }

  removed(name: string): void {
    this.#versions.delete(name);
  }

  /** A new stream knows nothing of the old one. */
  restart(): void {
    this.#started = false;
    this.#added.clear();
    this.#removed.clear();
    for (const name of this.#names) this.#added.add(name);
  }

  /** The request that has to go out, or undefined when there is nothing to say. `node` goes with the first request of a stream. */
  nextRequest(node: Node | undefined): DeltaDiscoveryRequest | undefined {
    if (this.paused) return undefined;
    const first = !this.#started;
    if (first && !this.wildcard && this.#names.size === 0) return undefined;
    if (!first && this.#added.size === 0 && this.#removed.size === 0) return undefined;
    const request = create(DeltaDiscoveryRequestSchema, {
      typeUrl: this.typeUrl,
      resourceNamesSubscribe: [...this.#added].sort(),
      resourceNamesUnsubscribe: first ? [] : [...this.#removed].sort(),
      initialResourceVersions: first ? Object.fromEntries(this.#versions) : {},
      ...(node === undefined ? {} : { node }),
    });
    this.#started = true;
    this.#added.clear();
    this.#removed.clear();
    return request;
  }
}
