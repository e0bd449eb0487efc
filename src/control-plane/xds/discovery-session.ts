// One client's stream, without the network and whatever its protocol (delta or state of the world): requests and wanted resources
// in, responses out. Decides the order in which a change goes out, so that a proxy never routes to what it does not have:
//   clusters and endpoints that are new or changed -> (acknowledged) -> listeners and routes -> (acknowledged) -> removals.
// One response of a type is in flight at a time; whatever changes meanwhile merges into the next one.
import type { Resource } from "#control-plane/generate/resource";
import type { ResourceSet } from "#control-plane/generate/resources";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE, SHORT_TYPE } from "#envoy/type-urls";
import type { Clock, Timer } from "#runtime/clock";
import { Subscription, type Batch, type Rejection } from "./subscription.ts";

/** Well below what gRPC clients take by default (4 MiB), unless one resource alone is larger. */
const MAX_RESPONSE_BYTES = 2 * 1024 * 1024;
/** How long listeners and routes wait for a client to ask for the endpoints of its new clusters. */
const WARMING_TIMEOUT_MS = 5_000;
const MAX_NAMES = 100_000;
const MAX_TYPES = 32;
const NOTHING: ReadonlyMap<string, Resource> = new Map();

/** What a client asks for, in either protocol. */
export interface ResourceRequest {
  readonly typeUrl: string;
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  /** Of the response that this acknowledges or refuses; empty: neither. */
  readonly nonce: string;
  /** Why the response was refused. */
  readonly error: string | undefined;
  /** What the client still has from an earlier stream, by name. */
  readonly versions: Readonly<Record<string, string>>;
}

/** What a client is told: the difference to what it was told before. */
export interface ResourceResponse extends Batch {
  readonly typeUrl: string;
  readonly version: string;
  readonly nonce: string;
}

export interface DiscoverySessionOptions {
  readonly clock: Clock;
  readonly send: (response: ResourceResponse) => void;
  /** A refusal concerns the whole response, also the resources in it that were right (state of the world). */
  readonly refusesWholeResponses?: boolean;
  readonly onAck?: (typeUrl: string) => void;
  readonly onReject?: (typeUrl: string, rejection: Rejection) => void;
  /** An ACK after a NACK. */
  readonly onAccepted?: (typeUrl: string) => void;
  /** Everything that belongs to this version is with the client. */
  readonly onSynced?: (sequence: number) => void;
}

/** The client asks for something that cannot be served; the stream ends with this. */
export class SessionError extends Error {
  override readonly name = "SessionError";
}

export type SyncStatus = "SYNCED" | "STALE" | "NOT SENT";

export interface TypeStatus {
  readonly status: SyncStatus;
  readonly nonceSent: string | undefined;
  readonly nonceAcked: string | undefined;
  readonly rejection: Rejection | undefined;
  readonly resources: number;
}

const MAX_MESSAGE_CHARACTERS = 4096;

export class DiscoverySession {
  readonly #options: DiscoverySessionOptions;
  readonly #subscriptions = new Map<string, Subscription>();
  #desired: ResourceSet = new Map();
  #version = "";
  #sequence = 0;
  #syncedSequence = 0;
  #responses = 0;
  #closed = false;
  /** Clusters sent as new whose endpoints the client has not got yet. */
  readonly #warming = new Set<string>();
  #warmingTimer: Timer | undefined;
  /** Clusters that are in flight in a changed form: their endpoints are sent once more when the client has them. */
  #replacedClusters: readonly string[] = [];
  /** Clusters that are new to the client are in flight. */
  #addsClusters = false;
  /** Clusters whose removal is in flight. */
  #removedClusters: readonly string[] = [];

  constructor(options: DiscoverySessionOptions) {
    this.#options = options;
  }

  get syncedSequence(): number {
    return this.#syncedSequence;
  }

  close(): void {
    this.#closed = true;
    this.#warmingTimer?.cancel();
  }

  /** The newest resources; what the client lacks goes out now or as soon as the order allows. */
  setDesired(desired: ResourceSet, version: string, sequence: number): void {
    this.#desired = desired;
    this.#version = version;
    this.#sequence = sequence;
    for (const subscription of this.#subscriptions.values()) subscription.setDesired(desired.get(subscription.typeUrl) ?? NOTHING);
    this.#pump();
  }

  /** Everything that the client has goes out once more. */
  resendAll(): void {
    for (const subscription of this.#subscriptions.values()) for (const name of subscription.versions.keys()) subscription.resend(name);
    this.#pump();
  }

  get desired(): ResourceSet {
    return this.#desired;
  }

  /** @throws SessionError */
  receive(request: ResourceRequest): void {
    const typeUrl = request.typeUrl;
    if (typeUrl === "") throw new SessionError("a discovery request without a type URL");
    let subscription = this.#subscriptions.get(typeUrl);
    if (subscription === undefined) {
      if (this.#subscriptions.size >= MAX_TYPES) throw new SessionError(`more than ${MAX_TYPES} resource types on one stream`);
      subscription = new Subscription(typeUrl);
      this.#subscriptions.set(typeUrl, subscription);
      subscription.setDesired(this.#desired.get(typeUrl) ?? NOTHING);
      subscription.resume(request.versions);
      // A first request without names means all, for the two types that have no other way to be found.
      if (request.subscribe.length === 0 && (typeUrl === CLUSTER_TYPE || typeUrl === LISTENER_TYPE)) subscription.subscribeAll();
    }
    if (subscription.size + request.subscribe.length > MAX_NAMES) {
      throw new SessionError(`more than ${MAX_NAMES} names of ${typeUrl} on one stream`);
    }
    this.#settle(subscription, request);
    subscription.subscribe(request.subscribe);
    subscription.unsubscribe(request.unsubscribe);
    this.#pump();
  }

  status(typeUrl: string): TypeStatus {
    const subscription = this.#subscriptions.get(typeUrl);
    if (subscription === undefined)
      return { status: "NOT SENT", nonceSent: undefined, nonceAcked: undefined, rejection: undefined, resources: 0 };
    const stale = !subscription.settled || subscription.rejection !== undefined;
    return {
      status: stale ? "STALE" : "SYNCED",
      nonceSent: subscription.nonces.sent,
      nonceAcked: subscription.nonces.acked,
      rejection: subscription.rejection,
      resources: subscription.versions.size,
    };
  }

  #settle(subscription: Subscription, { nonce, error }: ResourceRequest): void {
    const rejection: Rejection | undefined =
      error === undefined ? undefined : { message: printable(error), nonce, atMs: this.#options.clock.wallMs() };
    const refusedBefore = subscription.rejection !== undefined;
    if (!subscription.settle(nonce, rejection, this.#options.refusesWholeResponses === true)) return;
    if (refusedBefore && rejection === undefined) this.#options.onAccepted?.(subscription.typeUrl);
    if (rejection === undefined) this.#options.onAck?.(subscription.typeUrl);
    else this.#options.onReject?.(subscription.typeUrl, rejection);
    if (subscription.typeUrl !== CLUSTER_TYPE) return;
    // Envoy rebuilds a changed cluster and lets it wait for endpoints, which it does not ask for again: they are sent unasked.
    const endpoints = this.#subscriptions.get(ENDPOINT_TYPE);
    for (const name of this.#replacedClusters) endpoints?.resend(name);
    this.#replacedClusters = [];
    this.#addsClusters = false;
    // With a cluster go its endpoints, before the client says so.
    for (const name of this.#removedClusters) endpoints?.noteDropped(name);
    this.#removedClusters = [];
    // A client that refused clusters may never ask for their endpoints; its other routes must not wait for that.
    if (rejection !== undefined) this.#endWarming();
  }

  #pump(): void {
    if (this.#closed) return;
    // Secrets and the like lead nowhere, and clusters and listeners wait for them.
    for (const typeUrl of this.#subscriptions.keys()) if (!ORDERED.has(typeUrl)) this.#sendChanges(typeUrl);
    this.#sendChanges(CLUSTER_TYPE);
    this.#sendChanges(ENDPOINT_TYPE);
    const warming = this.#isWarming();
    // What only changes (endpoints that flap) holds nothing up: routes wait for clusters that are new to the client.
    const clusters = this.#subscriptions.get(CLUSTER_TYPE);
    if (!warming && !this.#addsClusters && clusters?.lacksAny !== true) {
      this.#sendListeners();
      this.#sendChanges(ROUTE_TYPE);
      // Nothing routes to them any more, and the client has said so.
      if (this.#isSettled(LISTENER_TYPE) && this.#isSettled(ROUTE_TYPE)) {
        this.#sendRemovals(CLUSTER_TYPE);
        if (this.#isSettled(CLUSTER_TYPE)) this.#sendRemovals(ENDPOINT_TYPE);
      }
    }
    this.#reportSynced(warming);
  }

  #isSettled(typeUrl: string): boolean {
    return this.#subscriptions.get(typeUrl)?.settled ?? true;
  }

  #sendChanges(typeUrl: string): void {
    const subscription = this.#subscriptions.get(typeUrl);
    if (subscription === undefined || subscription.inFlight) return;
    const batch = subscription.nextChanges(MAX_RESPONSE_BYTES);
    if (batch === undefined) return subscription.noteCurrent(this.#sequence);
    if (typeUrl === CLUSTER_TYPE) this.#noteClusters(subscription, batch);
    this.#send(subscription, batch);
  }

  /** A listener that moves to another name must not hold the port of the one it replaces: both go out together. */
  #sendListeners(): void {
    const subscription = this.#subscriptions.get(LISTENER_TYPE);
    if (subscription === undefined || subscription.inFlight) return;
    const changes = subscription.nextChanges(MAX_RESPONSE_BYTES);
    const removed = subscription.removals();
    if (changes === undefined && removed.length === 0) return subscription.noteCurrent(this.#sequence);
    this.#send(subscription, {
      resources: changes?.resources ?? [],
      removed: [...removed, ...(changes?.removed ?? [])],
      complete: changes?.complete ?? true,
    });
  }

  #sendRemovals(typeUrl: string): void {
    const subscription = this.#subscriptions.get(typeUrl);
    if (subscription === undefined || subscription.inFlight) return;
    const removed = subscription.removals();
    if (removed.length === 0) return;
    if (typeUrl === CLUSTER_TYPE) {
      this.#removedClusters = removed;
      for (const name of removed) this.#warming.delete(name);
    }
    this.#send(subscription, { resources: [], removed, complete: false });
  }

  #noteClusters(subscription: Subscription, batch: Batch): void {
    const endpoints = this.#desired.get(ENDPOINT_TYPE) ?? NOTHING;
    const replaced = new Set(subscription.replaced(batch));
    this.#replacedClusters = [...replaced];
    this.#addsClusters = batch.resources.some(({ name }) => !replaced.has(name));
    for (const { name } of batch.resources) {
      if (!replaced.has(name) && endpoints.has(name)) this.#warming.add(name);
    }
  }

  /**
   * True while a cluster that the client was sent as new lacks endpoints. One that is not wanted at the moment holds nothing up,
   * but is remembered: it may be wanted again before it is removed.
   */
  #isWarming(): boolean {
    const endpoints = this.#subscriptions.get(ENDPOINT_TYPE);
    const wanted = this.#desired.get(ENDPOINT_TYPE) ?? NOTHING;
    let waits = false;
    for (const name of this.#warming) {
      if (endpoints?.holds(name) === true) this.#warming.delete(name);
      else waits ||= wanted.has(name);
    }
    if (!waits) {
      this.#warmingTimer?.cancel();
      this.#warmingTimer = undefined;
    } else {
      this.#warmingTimer ??= this.#options.clock.setTimer(
        WARMING_TIMEOUT_MS,
        () => {
          this.#endWarming();
          this.#pump();
        },
        true,
      );
    }
    return waits;
  }

  #endWarming(): void {
    this.#warming.clear();
    this.#warmingTimer?.cancel();
    this.#warmingTimer = undefined;
  }

  #send(subscription: Subscription, batch: Batch): void {
    const nonce = `${SHORT_TYPE[subscription.typeUrl] ?? "XDS"}-${++this.#responses}`;
    subscription.markSent(batch, nonce, this.#sequence);
    this.#options.send({ typeUrl: subscription.typeUrl, version: this.#version, nonce, ...batch });
  }

  /** While pushes follow one another faster than the client answers, it is told to be as far as its answers are. */
  #reportSynced(warming: boolean): void {
    if (this.#syncedSequence === this.#sequence || warming) return;
    let through = this.#sequence;
    for (const subscription of this.#subscriptions.values()) through = Math.min(through, subscription.currentThrough);
    if (through <= this.#syncedSequence) return;
    for (const typeUrl of [CLUSTER_TYPE, ENDPOINT_TYPE]) {
      if ((this.#subscriptions.get(typeUrl)?.removals().length ?? 0) > 0) return;
    }
    this.#syncedSequence = through;
    this.#options.onSynced?.(through);
  }
}

const ORDERED: ReadonlySet<string> = new Set([CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE]);

/** What a proxy says ends up in logs, findings and terminals: it must neither flood nor steer them. */
function printable(message: string): string {
  const short = message.length > MAX_MESSAGE_CHARACTERS ? `${message.slice(0, MAX_MESSAGE_CHARACTERS)}...` : message;
  return short.replaceAll(/[^\P{Cc}\n]+|\p{Cf}+/gu, " ");
}
