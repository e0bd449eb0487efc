// A data-plane process: a list of proxies over a set of traffic threads. The main thread holds configuration and admin endpoints; all
// traffic is on the threads, so that neither stalls the other.
import type { Clock } from "#runtime/clock";
import type { Log, LogLevel } from "#runtime/log";
import type { Random } from "#runtime/random";
import { enableLinearRegexEngine } from "#matcher/regex";
import type { CommandLine } from "#proxy/admin/admin-source";
import { Loggers } from "./loggers.ts";
import type { Output } from "./access-log-writer.ts";
import { parseBootstrap } from "./bootstrap.ts";
import { garbageCollection, glibcTrim, MemoryTrim } from "./memory-trim.ts";
import { Proxy } from "./proxy.ts";
import { ThreadHandle } from "./thread-handle.ts";
import { setUserAgent } from "./user-agent.ts";
import type { ThreadEvent } from "./thread-messages.ts";

export interface DataPlaneOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** What the log obeys: the admin endpoint shows and changes it. */
  readonly logging?: { level: LogLevel };
  /** What the admin endpoint says of how the process was started. */
  readonly commandLine?: CommandLine;
  /** Traffic threads of the process; a proxy runs on `concurrency` of them. */
  readonly threads: number;
  /** Where each proxy keeps its last good configuration. Undefined: nowhere. */
  readonly stateDirectory?: string | undefined;
  /** Shown by admin. */
  readonly version: string;
  /** Where access logs for /dev/stdout and /dev/stderr go; the process's own streams unless given. */
  readonly output?: Output;
  /** How long connections may go on after their listener changed or went. */
  readonly drainTimeMs?: number;
  readonly maxConnectionsPerListener?: number;
  /** Admin endpoints may be at other addresses than loopback's. */
  readonly remoteAdmin?: boolean;
  /** A proxy ended because its admin endpoint was told so. */
  readonly onQuit?: (nodeId: string) => void;
  /** Tests of buffer ownership: received bytes are overwritten after they were lent. */
  readonly poison?: boolean;
}

export interface AddProxyOptions {
  /** An Envoy v3 Bootstrap in its JSON form. */
  readonly bootstrap: unknown;
  readonly concurrency: number;
  /** Before each access log line on the process's own output. */
  readonly logPrefix: string;
}

export interface DataPlane {
  /** @throws ConfigError for a bad bootstrap, Error when the admin address cannot be had or the node id is there already */
  addProxy(options: AddProxyOptions): Promise<void>;
  /** Stops accepting, waits for what runs, at most `drainMs`. A node id that is not there is fine. */
  removeProxy(nodeId: string, drainMs: number): Promise<void>;
  /** Requests and TCP connections that the proxy is working on; undefined: no such proxy. */
  inFlight(nodeId: string): number | undefined;
  readonly proxies: readonly string[];
  /** For tests: the threads, to end one. */
  readonly threads: readonly ThreadHandle[];
  close(): Promise<void>;
}

// Istio's drainDuration.
const DEFAULT_DRAIN_MS = 45_000;
const DEFAULT_MAX_CONNECTIONS = 20_000;

const processOutput: Output = {
  stdout: (text, done) => void process.stdout.write(text, () => done()),
  stderr: (text, done) => void process.stderr.write(text, () => done()),
};

export function startDataPlane(options: DataPlaneOptions): DataPlane {
  const { clock, random, version } = options;
  const loggers = new Loggers(options.logging ?? { level: "debug" });
  const log = loggers.of("main", options.log);
  enableLinearRegexEngine();
  const proxies = new Map<string, Proxy>();
  const load = new Map<ThreadHandle, number>();
  const memory = new MemoryTrim({ clock, trim: glibcTrim(), collect: garbageCollection() });
  const onEvent = (thread: ThreadHandle, event: ThreadEvent): void => {
    if (event.type === "online") return;
    if (event.type === "applied") memory.changed();
    if (event.type === "log") loggers.of(event.logger, options.log)[event.level](event.message, event.fields);
    else proxies.get(event.proxy)?.onEvent(thread, event);
  };
  const onReplaced = (thread: ThreadHandle, before: number): void => {
    for (const proxy of proxies.values()) if (proxy.hosts(thread)) proxy.onReplaced(thread, before);
  };
  const threads = Array.from({ length: Math.max(1, options.threads) }, () => {
    const thread = new ThreadHandle({ clock, log, start: { poison: options.poison ?? false }, onEvent, onReplaced });
    load.set(thread, 0);
    return thread;
  });

  /** The threads with the fewest proxies. */
  const choose = (count: number): ThreadHandle[] =>
    threads.toSorted((a, b) => (load.get(a) ?? 0) - (load.get(b) ?? 0)).slice(0, Math.min(Math.max(1, count), threads.length));

  const removeProxy = async (nodeId: string, drainMs: number): Promise<void> => {
    const proxy = proxies.get(nodeId);
    if (proxy === undefined) return;
    await proxy.remove(drainMs);
    if (!proxies.delete(nodeId)) return;
    for (const thread of threads) if (proxy.hosts(thread)) load.set(thread, (load.get(thread) ?? 1) - 1);
  };

  return {
    threads,
    get proxies() {
      return [...proxies.keys()];
    },
    async addProxy({ bootstrap: json, concurrency, logPrefix }) {
      const bootstrap = parseBootstrap(json);
      setUserAgent(bootstrap.node, version);
      const { id } = bootstrap.node;
      if (proxies.has(id)) throw new Error(`proxy ${id} is there already; remove it first`);
      const chosen = choose(concurrency);
      const proxyLog = options.log.scope(id.split("~")[2] ?? id);
      const proxy = new Proxy({
        bootstrap,
        threads: chosen,
        stateDirectory: options.stateDirectory,
        logPrefix,
        version,
        drainTimeMs: options.drainTimeMs ?? DEFAULT_DRAIN_MS,
        maxConnectionsPerListener: options.maxConnectionsPerListener ?? DEFAULT_MAX_CONNECTIONS,
        loggers,
        commandLine: options.commandLine ?? { configPath: "", configYaml: "" },
        remoteAdmin: options.remoteAdmin ?? false,
        output: options.output ?? processOutput,
        clock,
        random,
        log: proxyLog,
        onQuit: () => {
          removeProxy(id, options.drainTimeMs ?? DEFAULT_DRAIN_MS).then(
            () => options.onQuit?.(id),
            (error: unknown) => log.error("the proxy did not end in order", { error: String(error) }),
          );
        },
      });
      proxies.set(id, proxy);
      for (const thread of chosen) load.set(thread, (load.get(thread) ?? 0) + 1);
      try {
        await proxy.start();
      } catch (error) {
        await removeProxy(id, 0);
        throw error;
      }
    },
    removeProxy,
    inFlight: (nodeId) => proxies.get(nodeId)?.inFlight(),
    async close() {
      memory.close();
      await Promise.all([...proxies.keys()].map((nodeId) => removeProxy(nodeId, 0)));
      await Promise.all(threads.map((thread) => thread.close()));
    },
  };
}
