// Writes into the status of Istio's objects, as istiod does, whether every proxy has them: once for each form of an object, when all
// have it or one has refused it. A status makes no generation and pushes nothing.
import { isDeepStrictEqual } from "node:util";
import type { ObjectKey } from "#api/finding";
import { keyString, type ApiObject } from "#api/object";
import type { ObjectStore, ObjectWrite } from "#control-plane/config/object-store";
import { StatusError } from "#control-plane/config/status-error";
import type { ObjectName, StoredObject } from "#control-plane/config/stored-object";
import { reconciledCondition, type ObjectDistribution } from "#control-plane/xds/distribution";
import type { Clock, Timer } from "#runtime/clock";
import type { Log } from "#runtime/log";

const LOOK_MS = 500;
/** Objects that are looked at, and written, at once. */
const BATCH = 200;

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly message: string;
  readonly lastTransitionTime?: string;
}

interface IstioStatus {
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
}

export interface StatusReporterOptions {
  readonly store: Pick<ObjectStore, "write">;
  readonly find: (key: ObjectKey) => ApiObject | undefined;
  readonly distributionOf: (object: ApiObject) => ObjectDistribution;
  /** Where clients find it. Undefined: they do not. */
  readonly nameOf: (object: ApiObject) => ObjectName | undefined;
  /** Of an object of a file, which cannot be written. False: it stands in none. */
  readonly changeInFile: (object: ApiObject, change: (status: unknown) => unknown) => boolean;
  /** After objects of files got another status. */
  readonly onFilesChanged: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** What the status becomes; the same one when it says so already. */
export function statusWith(before: unknown, generation: number, condition: Omit<Condition, "lastTransitionTime">, wallMs: number): unknown {
  const status = (typeof before === "object" && before !== null ? before : {}) as IstioStatus;
  const known = status.conditions?.find(({ type }) => type === condition.type);
  const lastTransitionTime =
    known?.status === condition.status && known.lastTransitionTime !== undefined
      ? known.lastTransitionTime
      : new Date(wallMs).toISOString().replace(/\.\d+Z$/u, "Z");
  const others = (status.conditions ?? []).filter(({ type }) => type !== condition.type);
  const after = { ...status, observedGeneration: generation, conditions: [...others, { ...condition, lastTransitionTime }] };
  return isDeepStrictEqual(after, before) ? before : after;
}

export class StatusReporter {
  readonly #options: StatusReporterOptions;
  readonly #waiting = new Map<string, ObjectKey>();
  /** What was said of objects that a proxy refuses: they are looked at again, and said of again only what is new. */
  readonly #refused = new Map<string, string>();
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: StatusReporterOptions) {
    this.#options = options;
  }

  noteChanged(key: ObjectKey): void {
    this.#waiting.set(keyString(key), key);
    this.#lookLater();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #lookLater(): void {
    if (this.#closed || this.#waiting.size === 0) return;
    this.#timer ??= this.#options.clock.setTimer(
      LOOK_MS,
      () => {
        void this.#look()
          .catch((error: unknown) => this.#options.log.error("cannot tell which objects are live", { error: (error as Error).message }))
          .finally(() => {
            this.#timer = undefined;
            this.#lookLater();
          });
      },
      true,
    );
  }

  async #look(): Promise<void> {
    const writes: ObjectWrite[] = [];
    let inFiles = false;
    for (const [text, key] of [...this.#waiting].slice(0, BATCH)) {
      // To the end: what waits for a proxy does not keep others waiting.
      this.#waiting.delete(text);
      const object = this.#options.find(key);
      if (object === undefined || !object.apiVersion.includes(".istio.io/")) continue;
      const distribution = this.#options.distributionOf(object);
      const { live, pending, refused } = distribution;
      if (pending.length > 0 || live.length + refused.length === 0) {
        this.#waiting.set(text, key);
        continue;
      }
      const condition = reconciledCondition(distribution);
      if (refused.length > 0) this.#waiting.set(text, key);
      if (this.#refused.get(text) === condition.message) continue;
      if (refused.length > 0) this.#refused.set(text, condition.message);
      else this.#refused.delete(text);
      const write = this.#report(object, condition);
      if (write === "in a file") inFiles = true;
      else if (write !== undefined) writes.push(write);
    }
    if (inFiles) this.#options.onFilesChanged();
    await this.#write(writes);
  }

  #report(object: ApiObject, condition: Omit<Condition, "lastTransitionTime">): ObjectWrite | "in a file" | undefined {
    const { generation } = object.metadata;
    const wallMs = this.#options.clock.wallMs();
    const next = (status: unknown): unknown => statusWith(status, generation, condition, wallMs);
    if (this.#options.changeInFile(object, next)) return "in a file";
    const name = this.#options.nameOf(object);
    if (name === undefined) return undefined;
    const change = (current: StoredObject | undefined): StoredObject => {
      if (current === undefined) throw StatusError.notFound(name);
      return current.metadata.generation === generation ? { ...current, status: next(current["status"]) } : current;
    };
    return { verb: "modify", name, subresource: "status", change };
  }

  async #write(writes: readonly ObjectWrite[]): Promise<void> {
    if (writes.length === 0) return;
    try {
      await this.#options.store.write(writes, { author: "mizzen" });
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      // One that has gone, or is a file's since, takes only itself with it.
      if (writes.length > 1) for (const write of writes) await this.#write([write]);
      else if (error.reason !== "NotFound" && error.reason !== "Forbidden") {
        this.#options.log.warn("a status cannot be stored", { error: error.message });
      }
    }
  }
}
