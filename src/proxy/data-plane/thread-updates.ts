// Makes updates live on all traffic threads of one proxy, and keeps the promise that "applied" means applied everywhere: an update settles
// when every thread has answered, or has died (its replacement is told the whole configuration, which includes the update).
import type { HostsHealth } from "#proxy/cluster/health/active-health";
import type { RuntimeValues } from "#proxy/runtime/runtime";
import type { ProxyUpdate, UpdateTarget } from "#proxy/xds-client/proxy-update";
import { invariant } from "#runtime/invariant";
import type { ListenerSockets } from "./listener-sockets.ts";
import type { ThreadHandle } from "./thread-handle.ts";
import type { AddProxyCommand, ThreadCommand } from "./thread-messages.ts";

interface Pending {
  readonly missing: Set<ThreadHandle>;
  readonly errors: Set<string>;
  readonly resolve: (errors: readonly string[]) => void;
}

export interface ThreadUpdatesOptions {
  readonly threads: readonly ThreadHandle[];
  readonly add: AddProxyCommand;
  readonly sockets: ListenerSockets;
  /** Everything that is live. */
  readonly snapshot: () => ProxyUpdate;
  /** What the runtime layers say. */
  readonly runtime: () => RuntimeValues;
  /** What active health checks found out, by cluster. */
  readonly health: () => Iterable<readonly [cluster: string, health: HostsHealth]>;
}

export class ThreadUpdates implements UpdateTarget {
  readonly #options: ThreadUpdatesOptions;
  readonly #pending = new Map<number, Pending>();
  #sequence = 0;

  constructor(options: ThreadUpdatesOptions) {
    this.#options = options;
    for (const thread of options.threads) this.#add(thread);
  }

  #add(thread: ThreadHandle): void {
    const { add, runtime } = this.#options;
    thread.send(add);
    const values = runtime();
    if (values.size > 0) thread.send({ type: "runtime", proxy: add.proxy, values });
  }

  apply(update: ProxyUpdate): Promise<readonly string[]> {
    const { sockets, threads } = this.#options;
    const moved = update.listeners.filter(({ name }) => sockets.commit(name)).map(({ name }) => name);
    const sequence = ++this.#sequence;
    return new Promise((resolve) => {
      const missing = new Set(threads);
      this.#pending.set(sequence, { missing, errors: new Set(), resolve });
      for (const thread of threads) this.#send(thread, sequence, update, moved);
    });
  }

  applied(thread: ThreadHandle, sequence: number, errors: readonly string[]): void {
    const pending = this.#pending.get(sequence);
    if (pending === undefined) return;
    for (const error of errors) pending.errors.add(error);
    this.#answered(thread, sequence, pending);
  }

  /** The thread was replaced: the new one gets all that is live; what the old one owed an answer for is part of that. */
  replaced(thread: ThreadHandle): void {
    const { snapshot } = this.#options;
    const update = snapshot();
    const owed = [...this.#pending.values()].filter(({ missing }) => missing.has(thread));
    this.#add(thread);
    for (const [cluster, health] of this.#options.health()) this.#sendHealth(thread, cluster, health, undefined);
    const sequence = ++this.#sequence;
    const resolve = (errors: readonly string[]): void => {
      for (const [other, pending] of this.#pending) {
        if (!owed.includes(pending)) continue;
        for (const error of errors) pending.errors.add(error);
        this.#answered(thread, other, pending);
      }
    };
    this.#pending.set(sequence, { missing: new Set([thread]), errors: new Set(), resolve });
    this.#send(
      thread,
      sequence,
      update,
      update.listeners.map(({ name }) => name),
    );
  }

  tellRuntime(values: RuntimeValues): void {
    const { add, threads } = this.#options;
    for (const thread of threads) thread.send({ type: "runtime", proxy: add.proxy, values });
  }

  tellHealth(cluster: string, health: HostsHealth | undefined, passed: string | undefined): void {
    for (const thread of this.#options.threads) this.#sendHealth(thread, cluster, health, passed);
  }

  #sendHealth(thread: ThreadHandle, cluster: string, health: HostsHealth | undefined, passed: string | undefined): void {
    thread.send({ type: "hosts-health", proxy: this.#options.add.proxy, cluster, health, passed });
  }

  /** The proxy ends: nobody will answer any more. */
  close(): void {
    for (const { resolve, errors } of this.#pending.values()) resolve([...errors]);
    this.#pending.clear();
  }

  #answered(thread: ThreadHandle, sequence: number, pending: Pending): void {
    pending.missing.delete(thread);
    if (pending.missing.size > 0) return;
    this.#pending.delete(sequence);
    pending.resolve([...pending.errors]);
  }

  #send(thread: ThreadHandle, sequence: number, update: ProxyUpdate, listeners: readonly string[]): void {
    if (!thread.online) return;
    const descriptors = new Map(listeners.map((name) => [name, this.#options.sockets.duplicates(name)]));
    const command: ThreadCommand = {
      type: "update",
      proxy: this.#options.add.proxy,
      sequence,
      update: { ...update, ...bytesOnly(update) },
      sockets: descriptors,
    };
    invariant(thread.send(command), "a thread that is online takes commands");
  }
}

/** Resources carry what the main thread knows of them; threads get the bytes alone. */
function bytesOnly(update: ProxyUpdate): Pick<ProxyUpdate, "secrets" | "clusters" | "assignments" | "routes" | "listeners"> {
  const bare = (list: ProxyUpdate["clusters"]): ProxyUpdate["clusters"] => list.map(({ name, bytes }) => ({ name, bytes }));
  return {
    secrets: bare(update.secrets),
    clusters: bare(update.clusters),
    assignments: bare(update.assignments),
    routes: bare(update.routes),
    listeners: bare(update.listeners),
  };
}
