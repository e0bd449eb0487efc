// A proxy as operators see it: one name, however many streams it has. Most have one for everything; some clients ask for each type
// on a stream of its own, and one that reconnects has two for a moment.
import type { ResourceSet } from "#control-plane/generate/resources";
import type { ProxyNode } from "#control-plane/mesh/proxy";
import type { TypeStatus } from "./discovery-session.ts";
import type { ProxyConnection, Refusal } from "./proxy-connection.ts";

export class ConnectedProxy {
  readonly node: ProxyNode;
  /** Newest first; never empty. */
  readonly #connections: readonly ProxyConnection[];

  constructor(node: ProxyNode, connections: readonly ProxyConnection[]) {
    this.node = node;
    this.#connections = connections.toSorted((a, b) => b.id - a.id);
  }

  /** What the newest stream on which the type was asked for says. */
  status(typeUrl: string): TypeStatus {
    const statuses = this.#connections.map((connection) => connection.status(typeUrl));
    return statuses.find(({ status }) => status !== "NOT SENT") ?? statuses[0]!;
  }

  get refusals(): readonly Refusal[] {
    const byType = new Map<string, Refusal>();
    for (const { refusals } of this.#connections) {
      for (const refusal of refusals)
        if (this.status(refusal.typeUrl).rejection?.message === refusal.message) byType.set(refusal.type, refusal);
    }
    return [...byType.values()];
  }

  /** The newest push that is whole on all of its streams. */
  get syncedSequence(): number {
    return Math.min(...this.#connections.map(({ syncedSequence }) => syncedSequence));
  }

  get clusterId(): string {
    return this.#connections[0]!.clusterId;
  }

  get connectedMs(): number {
    return this.#connections[0]!.connectedMs;
  }

  get resources(): ResourceSet {
    return this.#connections[0]!.resources;
  }
}
