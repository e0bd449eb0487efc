// Entry of a traffic thread: obeys the main thread's commands for a list of proxies. It owns no configuration of its own; a thread that
// dies is replaced and told everything again.
import { parentPort, workerData } from "node:worker_threads";
import { enableLinearRegexEngine } from "#matcher/regex";
import { closeDescriptor } from "#proxy/net/listen-socket";
import { realClock } from "#runtime/clock";
import { invariant } from "#runtime/invariant";
import type { Log } from "#runtime/log";
import { isLoggerName } from "./loggers.ts";
import type { LoggerName } from "./loggers.ts";
import { realRandom } from "#runtime/random";
import { COMPILERS } from "./composition.ts";
import { ThreadProxy } from "./thread-proxy.ts";
import type { ProxyKey, ThreadCommand, ThreadEvent, ThreadStart, UpdateCommand } from "./thread-messages.ts";

// New statistics (a cluster's first request makes some) become visible to the main thread within this time.
const STATS_MS = 1000;

invariant(parentPort !== null, "a traffic thread runs as a worker");
const port = parentPort;
const start = workerData as ThreadStart;
enableLinearRegexEngine();

const post = (event: ThreadEvent): void => port.postMessage(event);

/** Scopes of a thread's log are the process's loggers. */
function forwardingLog(logger: LoggerName): Log {
  const forward =
    (level: "debug" | "info" | "warn" | "error"): Log["info"] =>
    (message, fields) =>
      post({ type: "log", logger, level, message, fields });
  return {
    debug: forward("debug"),
    info: forward("info"),
    warn: forward("warn"),
    error: forward("error"),
    scope: (name) => forwardingLog(isLoggerName(name) ? name : logger),
  };
}

const log = forwardingLog("main");
const proxies = new Map<ProxyKey, ThreadProxy>();

function obey(command: ThreadCommand): void {
  if (command.type === "add-proxy") {
    const options = { command, tables: COMPILERS, clock: realClock, random: realRandom, log, poison: start.poison, post };
    proxies.set(command.proxy, new ThreadProxy(options));
    return;
  }
  const proxy = proxies.get(command.proxy);
  if (proxy === undefined) {
    // The proxy has ended and the main thread did not know yet when it wrote this.
    if (command.type === "remove-proxy") post({ type: "removed", proxy: command.proxy });
    else if (command.type === "report") post({ type: "report", proxy: command.proxy, sequence: command.sequence, clusters: [] });
    else if (command.type === "update") {
      for (const fd of [...command.sockets.values()].flat()) closeDescriptor(fd);
      post({ type: "applied", proxy: command.proxy, sequence: command.sequence, errors: ["the proxy has ended"] });
    }
    return;
  }
  switch (command.type) {
    case "update":
      void applyUpdate(proxy, command);
      return;
    case "report":
      proxy.postStats();
      post({ type: "report", proxy: command.proxy, sequence: command.sequence, clusters: proxy.report() });
      return;
    case "hosts-health":
      proxy.setHealth(command);
      return;
    case "runtime":
      proxy.setRuntime(command.values);
      return;
    case "log-written":
      proxy.logWritten(command.bytes);
      return;
    case "stop-listeners":
      proxy.stopListeners(command.direction);
      return;
    case "remove-proxy":
      void removeProxy(command.proxy, proxy, command.drainMs);
      return;
  }
}

async function applyUpdate(proxy: ThreadProxy, command: UpdateCommand): Promise<void> {
  const errors = await proxy.apply(command);
  post({ type: "applied", proxy: command.proxy, sequence: command.sequence, errors });
}

async function removeProxy(key: ProxyKey, proxy: ThreadProxy, drainMs: number): Promise<void> {
  await proxy.close(drainMs);
  if (proxies.get(key) === proxy) proxies.delete(key);
  post({ type: "removed", proxy: key });
}

port.on("message", obey);
realClock.setTimer(STATS_MS, function sendStats() {
  for (const proxy of proxies.values()) proxy.postStats();
  realClock.setTimer(STATS_MS, sendStats, true);
});
post({ type: "online" });
