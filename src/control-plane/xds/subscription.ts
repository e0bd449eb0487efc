// What one client wants of one type, what it was sent, and what it said about it. Only bookkeeping: when to send is decided by
// the session, because it depends on the other types.
import type { Resource } from "#control-plane/generate/resource";
import { versionOf } from "./resource-version.ts";

/** Sent in place of a version: the client knows that there is no such resource. */
const ABSENT = "";

export interface Rejection {
  readonly message: string;
  readonly nonce: string;
  readonly atMs: number;
}

/** Changes that one response can carry. */
export interface Batch {
  readonly resources: readonly Resource[];
  readonly removed: readonly string[];
  /** False: more of the same has to follow. */
  readonly complete: boolean;
}

export class Subscription {
  readonly typeUrl: string;
  #wildcard = false;
  readonly #names = new Set<string>();
  /** By name: the version that the client has or is being sent. What it refused counts as sent: the same bytes never come again. */
  readonly #sent = new Map<string, string>();
  /** Sent once more although the client has them. */
  readonly #again = new Set<string>();
  #desired: ReadonlyMap<string, Resource> = new Map();
  /** Something may differ from what was sent; false once a look found nothing. */
  #dirty = true;
  /** A first request is answered even when there is nothing: the client waits for it before it starts. */
  #owesAnswer = true;
  #inFlight: string | undefined;
  #lastSent: string | undefined;
  #lastAcked: string | undefined;
  #rejection: Rejection | undefined;
  /** Names in the response in flight, or in the one that was refused last. */
  #batch: ReadonlySet<string> = new Set();
  /** The push that the response in flight completes; undefined: it completes none. */
  #completes: number | undefined;
  #currentThrough = 0;
  /** What was in a response that was refused as a whole: it goes out once more beside the next change. */
  #refusedTogether: readonly string[] = [];

  constructor(typeUrl: string) {
    this.typeUrl = typeUrl;
  }

  get inFlight(): boolean {
    return this.#inFlight !== undefined;
  }

  /** The newest push of which the client has acknowledged everything, or that had nothing for it. */
  get currentThrough(): number {
    return this.#currentThrough;
  }

  /** There is nothing to send of this push, and nothing on its way. */
  noteCurrent(sequence: number): void {
    this.#currentThrough = sequence;
  }

  /** The client has the resource and has said so. */
  holds(name: string): boolean {
    return this.has(name) && !(this.inFlight && this.#batch.has(name));
  }

  /** Something wanted that the client does not have in any version, nor on its way. */
  get lacksAny(): boolean {
    if (!this.#dirty) return false;
    for (const name of this.#desired.keys()) if (this.#wants(name) && !this.has(name)) return true;
    return false;
  }

  get nonces(): { readonly sent: string | undefined; readonly acked: string | undefined } {
    return { sent: this.#lastSent, acked: this.#lastAcked };
  }

  get rejection(): Rejection | undefined {
    return this.#rejection;
  }

  get size(): number {
    return this.#names.size;
  }

  /** Names and versions as the client has them, as far as is known. */
  get versions(): ReadonlyMap<string, string> {
    return this.#sent;
  }

  setDesired(desired: ReadonlyMap<string, Resource>): void {
    if (desired === this.#desired) return;
    this.#desired = desired;
    this.#dirty = true;
  }

  /** A client that comes back says what it still has: only the difference is sent. */
  resume(versions: Readonly<Record<string, string>>): void {
    const entries = Object.entries(versions);
    for (const [name, version] of entries) this.#sent.set(name, version);
    if (entries.length > 0) this.#owesAnswer = false;
  }

  subscribeAll(): void {
    this.#wildcard = true;
    this.#dirty = true;
  }

  subscribe(names: readonly string[]): void {
    for (const name of names) {
      if (name === "*") {
        this.subscribeAll();
        continue;
      }
      // Asking again for a name means that the client has lost it.
      if (this.#names.has(name)) this.#sent.delete(name);
      // The name as it stands in the resource: thousands of clients ask for the same ones.
      this.#names.add(this.#desired.get(name)?.name ?? name);
      this.#dirty = true;
    }
  }

  unsubscribe(names: readonly string[]): void {
    for (const name of names) {
      if (name === "*") this.#wildcard = false;
      else this.#names.delete(name);
    }
    for (const name of this.#sent.keys()) if (!this.#wants(name)) this.#sent.delete(name);
    for (const name of this.#again) if (!this.#wants(name)) this.#again.delete(name);
  }

  /** The client asks for nothing that there is, or has everything; what is left to remove is another matter. */
  get settled(): boolean {
    return this.#inFlight === undefined && !this.#dirty;
  }

  /** The client has the resource, or it is on its way. */
  has(name: string): boolean {
    return (this.#sent.get(name) ?? ABSENT) !== ABSENT;
  }

  /** The client has dropped the resource by itself; should it be wanted again, it is sent anew. */
  noteDropped(name: string): void {
    if (!this.#sent.has(name)) return;
    this.#sent.set(name, ABSENT);
    this.#dirty = true;
  }

  /** Sends a resource again although it has not changed. One that is gone meanwhile is left alone: its removal has its own time. */
  resend(name: string): void {
    if (!this.#desired.has(name) || !this.has(name)) return;
    this.#again.add(name);
    this.#dirty = true;
  }

  /** New and changed resources, up to about `maxBytes`; undefined when there is nothing to say. */
  nextChanges(maxBytes: number): Batch | undefined {
    if (!this.#dirty) return undefined;
    const resources: Resource[] = [];
    let bytes = 0;
    if (this.#refusedTogether.length > 0 && this.#differs()) {
      for (const name of this.#refusedTogether) this.#again.add(name);
      this.#refusedTogether = [];
    }
    for (const [name, resource] of this.#desired) {
      if (!this.#isDue(name, resource)) continue;
      // One resource goes out whatever its size; the next response takes the rest.
      if (resources.length > 0 && bytes + resource.value.length > maxBytes) return { resources, removed: [], complete: false };
      resources.push(resource);
      bytes += resource.value.length;
    }
    // Names that lead nowhere are said to be absent, once.
    const removed = [...this.#names].filter((name) => !this.#desired.has(name) && !this.#sent.has(name));
    if (resources.length > 0 || removed.length > 0 || this.#owesAnswer) return { resources, removed, complete: true };
    this.#dirty = false;
    return undefined;
  }

  /** What the client has and should not have any more. */
  removals(): readonly string[] {
    const removed: string[] = [];
    for (const [name, version] of this.#sent) {
      if (version !== ABSENT && !this.#desired.has(name) && this.#wants(name)) removed.push(name);
    }
    return removed;
  }

  /** Names in the batch that the client already had in another version. */
  replaced(batch: Batch): readonly string[] {
    return batch.resources.map((resource) => resource.name).filter((name) => this.has(name));
  }

  markSent(batch: Batch, nonce: string, sequence: number): void {
    for (const resource of batch.resources) {
      this.#sent.set(resource.name, versionOf(resource));
      this.#again.delete(resource.name);
    }
    for (const name of batch.removed) {
      if (this.#names.has(name)) this.#sent.set(name, ABSENT);
      else this.#sent.delete(name);
    }
    this.#batch = new Set(batch.resources.map(({ name }) => name));
    this.#completes = batch.complete ? sequence : undefined;
    this.#inFlight = nonce;
    this.#lastSent = nonce;
    this.#owesAnswer = false;
    this.#dirty = true;
  }

  /** False: the nonce is not that of the response in flight, so nothing was said about it. */
  settle(nonce: string, rejection: Rejection | undefined, refusesWhole: boolean): boolean {
    if (nonce === "") return false;
    // What was refused for a reason that passes (a port that was taken) can be acknowledged later: nothing else was sent since.
    const late = this.#inFlight === undefined && nonce === this.#lastSent && this.#rejection !== undefined && rejection === undefined;
    if (nonce !== this.#inFlight && !late) return false;
    this.#inFlight = undefined;
    if (this.#completes !== undefined) this.#currentThrough = this.#completes;
    this.#rejection = rejection;
    if (rejection === undefined) this.#lastAcked = nonce;
    else if (refusesWhole) this.#refusedTogether = [...new Set([...this.#refusedTogether, ...this.#batch])];
    return true;
  }

  #differs(): boolean {
    for (const [name, resource] of this.#desired) if (this.#isDue(name, resource)) return true;
    return false;
  }

  #isDue(name: string, resource: Resource): boolean {
    return this.#wants(name) && (this.#sent.get(name) !== versionOf(resource) || this.#again.has(name));
  }

  #wants(name: string): boolean {
    return this.#wildcard || this.#names.has(name);
  }
}
