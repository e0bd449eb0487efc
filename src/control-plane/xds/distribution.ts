// Which objects are live on which proxies. An object is as new as the push that first carried its present form: a proxy that has
// acknowledged that push has the object, whatever of it concerns the proxy.
import { keyString, type ApiObject } from "#api/object";
import type { ObjectKey } from "#api/finding";
import type { ConnectedProxy } from "./connected-proxy.ts";

const FIRST_PUSH = 1;

export interface ObjectDistribution {
  readonly object: ObjectKey;
  readonly generation: number;
  readonly resourceVersion: string;
  /** Proxies by id, each in one of the lists. */
  readonly live: readonly string[];
  readonly pending: readonly string[];
  readonly refused: readonly { readonly proxy: string; readonly type: string; readonly message: string }[];
}

export class Distribution {
  /** By object: the push that first carried it as it is now. */
  readonly #sequences = new Map<string, number>();
  #waiting = new Set<string>();

  /** The object has changed and is part of the next push. */
  noteChanged(key: ObjectKey): void {
    this.#waiting.add(keyString(key));
  }

  notePushed(sequence: number): void {
    for (const key of this.#waiting) this.#sequences.set(key, sequence);
    this.#waiting = new Set();
  }

  noteDeleted(key: ObjectKey): void {
    this.#sequences.delete(keyString(key));
    this.#waiting.delete(keyString(key));
  }

  of({ kind, metadata }: ApiObject, proxies: readonly ConnectedProxy[]): ObjectDistribution {
    const key: ObjectKey = { kind, namespace: metadata.namespace, name: metadata.name };
    const sequence = this.#waiting.has(keyString(key)) ? Number.POSITIVE_INFINITY : (this.#sequences.get(keyString(key)) ?? FIRST_PUSH);
    const live: string[] = [];
    const pending: string[] = [];
    const refused: { proxy: string; type: string; message: string }[] = [];
    for (const proxy of proxies) {
      const [refusal] = proxy.refusals;
      if (proxy.syncedSequence < sequence) pending.push(proxy.node.id);
      else if (refusal === undefined) live.push(proxy.node.id);
      else refused.push({ proxy: proxy.node.id, type: refusal.type, message: refusal.message });
    }
    return { object: key, generation: metadata.generation, resourceVersion: metadata.resourceVersion, live, pending, refused };
  }
}

/** As istiod writes it into the status of objects: `Reconciled` is True once every proxy has the object. */
export function reconciledCondition(distribution: ObjectDistribution): {
  readonly type: string;
  readonly status: string;
  readonly message: string;
} {
  const { live, pending, refused } = distribution;
  const total = live.length + pending.length + refused.length;
  const [first] = refused;
  return {
    type: "Reconciled",
    status: live.length === total ? "True" : "False",
    message:
      `${live.length}/${total} proxies up to date.` +
      (first === undefined ? "" : ` ${first.proxy} refused ${first.type}: ${first.message}`),
  };
}
