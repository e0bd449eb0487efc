// One stream of a proxy that asks for resources, in the two forms of the protocol. What is asked for decides what is sent; a proxy that
// acknowledges gets no answer.
import { create } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import {
  DeltaDiscoveryResponseSchema,
  DiscoveryResponseSchema,
  ResourceSchema,
  type DeltaDiscoveryRequest,
  type DeltaDiscoveryResponse,
  type DiscoveryRequest,
  type DiscoveryResponse,
} from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import { CLUSTER_TYPE, LISTENER_TYPE } from "#envoy/type-urls";
import type { ResourceTable } from "./resource-table.ts";

export interface Nack {
  readonly typeUrl: string;
  readonly message: string;
}

export interface DiscoverySession<Request> {
  onRequest(request: Request): void;
  /** The table has changed. */
  push(): void;
}

/** Types of which a proxy that names none gets all. */
function isWildcardType(typeUrl: string): boolean {
  return typeUrl === CLUSTER_TYPE || typeUrl === LISTENER_TYPE;
}

interface DeltaSubscription {
  wildcard: boolean;
  readonly names: Set<string>;
  /** What the proxy has: name to version. */
  readonly sent: Map<string, string>;
}

export class DeltaSession implements DiscoverySession<DeltaDiscoveryRequest> {
  readonly #table: ResourceTable;
  readonly #send: (response: DeltaDiscoveryResponse) => void;
  readonly #onNack: (nack: Nack) => void;
  readonly #subscriptions = new Map<string, DeltaSubscription>();

  constructor(table: ResourceTable, send: (response: DeltaDiscoveryResponse) => void, onNack: (nack: Nack) => void) {
    this.#table = table;
    this.#send = send;
    this.#onNack = onNack;
  }

  onRequest(request: DeltaDiscoveryRequest): void {
    const { typeUrl } = request;
    if (request.errorDetail !== undefined) this.#onNack({ typeUrl, message: request.errorDetail.message });
    let subscription = this.#subscriptions.get(typeUrl);
    const first = subscription === undefined;
    if (subscription === undefined) {
      subscription = { wildcard: false, names: new Set(), sent: new Map(Object.entries(request.initialResourceVersions)) };
      subscription.wildcard = isWildcardType(typeUrl) && request.resourceNamesSubscribe.length === 0;
      this.#subscriptions.set(typeUrl, subscription);
    }
    for (const name of request.resourceNamesSubscribe) {
      if (name === "*") subscription.wildcard = true;
      else {
        subscription.names.add(name);
        if (!first) subscription.sent.delete(name);
      }
    }
    for (const name of request.resourceNamesUnsubscribe) {
      subscription.names.delete(name);
      subscription.sent.delete(name);
    }
    if (first || request.resourceNamesSubscribe.length > 0) this.#answer(typeUrl, subscription, first);
  }

  push(): void {
    for (const [typeUrl, subscription] of this.#subscriptions) this.#answer(typeUrl, subscription, false);
  }

  #answer(typeUrl: string, subscription: DeltaSubscription, always: boolean): void {
    const ofType = this.#table.ofType(typeUrl);
    const added = [];
    for (const [name, { value, version }] of ofType) {
      if (!subscription.wildcard && !subscription.names.has(name)) continue;
      if (subscription.sent.get(name) === version) continue;
      subscription.sent.set(name, version);
      added.push(create(ResourceSchema, { name, version, resource: create(AnySchema, { typeUrl, value }) }));
    }
    const removedResources = [...subscription.sent.keys()].filter((name) => !ofType.has(name));
    for (const name of removedResources) subscription.sent.delete(name);
    if (added.length === 0 && removedResources.length === 0 && !always) return;
    const nonce = this.#table.next();
    this.#send(create(DeltaDiscoveryResponseSchema, { typeUrl, resources: added, removedResources, nonce, systemVersionInfo: nonce }));
  }
}

interface SotwSubscription {
  names: ReadonlySet<string>;
  nonce: string;
  /** What was sent last, as names and versions. */
  state: string;
}

export class SotwSession implements DiscoverySession<DiscoveryRequest> {
  readonly #table: ResourceTable;
  readonly #send: (response: DiscoveryResponse) => void;
  readonly #onNack: (nack: Nack) => void;
  readonly #subscriptions = new Map<string, SotwSubscription>();

  constructor(table: ResourceTable, send: (response: DiscoveryResponse) => void, onNack: (nack: Nack) => void) {
    this.#table = table;
    this.#send = send;
    this.#onNack = onNack;
  }

  onRequest(request: DiscoveryRequest): void {
    const { typeUrl } = request;
    const known = this.#subscriptions.get(typeUrl);
    // An answer to something older than what was sent last says nothing.
    if (known !== undefined && request.responseNonce !== "" && request.responseNonce !== known.nonce) return;
    if (request.errorDetail !== undefined) this.#onNack({ typeUrl, message: request.errorDetail.message });
    const names = new Set(request.resourceNames);
    const subscription = known ?? { names, nonce: "", state: "" };
    this.#subscriptions.set(typeUrl, subscription);
    const changed = names.size !== subscription.names.size || [...names].some((name) => !subscription.names.has(name));
    subscription.names = names;
    if (known === undefined || changed) this.#answer(typeUrl, subscription, true);
  }

  push(): void {
    for (const [typeUrl, subscription] of this.#subscriptions) this.#answer(typeUrl, subscription, false);
  }

  #answer(typeUrl: string, subscription: SotwSubscription, always: boolean): void {
    const { names } = subscription;
    const wildcard = names.has("*") || (isWildcardType(typeUrl) && names.size === 0);
    const wanted = [...this.#table.ofType(typeUrl)].filter(([name]) => wildcard || names.has(name));
    const state = JSON.stringify(wanted.map(([name, { version }]) => [name, version]));
    if (state === subscription.state && !always) return;
    subscription.state = state;
    subscription.nonce = this.#table.next();
    this.#send(
      create(DiscoveryResponseSchema, {
        typeUrl,
        versionInfo: subscription.nonce,
        nonce: subscription.nonce,
        resources: wanted.map(([, { value }]) => create(AnySchema, { typeUrl, value })),
      }),
    );
  }
}
