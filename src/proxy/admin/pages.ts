// All pages of the admin endpoint by path, in the order of Envoy's help.
import { compileRegex } from "#matcher/regex";
import type { Pages } from "./help-page.ts";
import { helpText, homePage } from "./help-page.ts";
import { certificates } from "./certificates.ts";
import { clustersJson, clustersText } from "./cluster-status.ts";
import { configDump } from "./config-dump.ts";
import { listenersPage } from "./listeners-page.ts";
import { LOGGING_PARAMETERS, loggingPage } from "./logging-page.ts";
import { OK, json } from "./page.ts";
import type { Answer, PageParameter } from "./page.ts";
import { initDump, memory } from "./process-pages.ts";
import { modifyRuntime, runtimePage } from "./runtime-pages.ts";
import { DRAIN_PARAMETERS, drainListeners, failHealthChecks, serverInfo } from "./server-pages.ts";
import { PROMETHEUS_PARAMETERS, STATS_PARAMETERS, prometheusPage, statsPage } from "./stats-page.ts";
import { nameFilter } from "./name-filter.ts";

const ENABLE: PageParameter = { name: "enable", help: "enable or disable it", choices: ["y", "n"] };

/** @throws Error when it is no regular expression */
function wholeName(pattern: string): (name: string) => boolean {
  const regex = compileRegex(pattern);
  return (name) => regex.matches(name);
}

/** As a build of Envoy without the profiler answers. */
function noProfiler(what: string): (source: unknown, query: URLSearchParams) => Answer {
  return () => ({ status: 501, body: `The current build does not support ${what}\n` });
}

export const PAGES: Pages = {
  "/": { method: "GET", help: "Admin home page", answer: () => homePage(PAGES) },
  "/allocprofiler": { method: "POST", help: "not supported", parameters: [ENABLE], answer: noProfiler("allocation profiler") },
  "/certs": { method: "GET", help: "print certs on machine", answer: (source) => json(certificates(source)) },
  "/clusters": {
    method: "GET",
    help: "upstream cluster status",
    parameters: [
      { name: "filter", help: "Regular expression (Google re2) for filtering clusters by name" },
      { name: "format", help: "File format to use", choices: ["text", "json"] },
    ],
    answer: async (source, query) => {
      const matches = nameFilter(query.get("filter"));
      const clusters = (await source.clusters()).filter(({ name }) => matches(name));
      return query.get("format") === "json" ? json(clustersJson(source, clusters)) : { body: clustersText(source, clusters) };
    },
  },
  "/config_dump": {
    method: "GET",
    help: "dump current configs",
    parameters: [
      { name: "resource", help: "One repeated field of a section; its elements alone are the dump" },
      { name: "mask", help: "Fields to keep, of each section or of each element of the resource" },
      { name: "name_regex", help: "Dump only configurations whose names match" },
      { name: "include_eds", help: "With endpoints", choices: [] },
    ],
    answer: async (source, query) => {
      const includeEndpoints = query.has("include_eds");
      const pattern = query.get("name_regex");
      const dump = configDump(
        source,
        {
          includeEndpoints,
          resource: query.get("resource") ?? undefined,
          mask: query.get("mask") ?? undefined,
          matchesName: pattern === null ? undefined : wholeName(pattern),
        },
        includeEndpoints ? await source.clusters() : [],
      );
      return "problem" in dump ? { status: dump.status, body: dump.problem } : json(dump);
    },
  },
  "/contention": {
    method: "GET",
    help: "mutex contention, which one thread per proxy does not have",
    answer: () => ({ body: "Mutex contention tracing is not enabled. To enable, run Envoy with flag --enable-mutex-tracing." }),
  },
  "/cpuprofiler": { method: "POST", help: "not supported", parameters: [ENABLE], answer: noProfiler("CPU profiler") },
  "/drain_listeners": { method: "POST", help: "drain listeners", parameters: DRAIN_PARAMETERS, answer: drainListeners },
  "/healthcheck/fail": {
    method: "POST",
    help: "cause the server to fail health checks",
    answer: (source) => failHealthChecks(source, true),
  },
  "/healthcheck/ok": {
    method: "POST",
    help: "cause the server to pass health checks",
    answer: (source) => failHealthChecks(source, false),
  },
  "/heap_dump": { method: "GET", help: "not supported", answer: noProfiler("heap dump") },
  "/heapprofiler": { method: "POST", help: "not supported", parameters: [ENABLE], answer: noProfiler("heap profiler") },
  "/help": { method: "GET", help: "print out list of admin commands", answer: () => ({ body: helpText(PAGES) }) },
  "/hot_restart_version": {
    method: "GET",
    help: "print the hot restart compatibility version",
    answer: () => ({ body: "disabled" }),
  },
  "/init_dump": {
    method: "GET",
    help: "what is not live yet, and what it waits for",
    parameters: [{ name: "mask", help: "The component: listener" }],
    answer: (source, query) => json(initDump(source, query.get("mask") ?? "")),
  },
  "/listeners": {
    method: "GET",
    help: "print listener info",
    parameters: [{ name: "format", help: "File format to use", choices: ["text", "json"] }],
    answer: listenersPage,
  },
  "/logging": { method: "POST", help: "query/change logging levels", parameters: LOGGING_PARAMETERS, answer: loggingPage },
  "/memory": { method: "GET", help: "print current allocation/heap usage", answer: () => json(memory(process.memoryUsage())) },
  "/peak_heap_dump": { method: "GET", help: "not supported", answer: noProfiler("heap dump") },
  "/quitquitquit": { method: "POST", help: "exit the server", answer: (source) => ({ ...OK, afterwards: () => source.quit() }) },
  "/ready": {
    method: "GET",
    help: "print server state, return 200 if LIVE, otherwise return 503",
    answer: (source) => ({ status: source.state() === "LIVE" ? 200 : 503, body: `${source.state()}\n` }),
  },
  "/reopen_logs": {
    method: "POST",
    help: "reopen access logs",
    // Each batch of lines opens its file anew.
    answer: () => OK,
  },
  "/reset_counters": {
    method: "POST",
    help: "reset all counters to zero",
    answer: async (source) => {
      await source.resetCounters();
      return OK;
    },
  },
  "/runtime": { method: "GET", help: "print runtime values", answer: (source) => json(runtimePage(source)) },
  "/runtime_modify": {
    method: "POST",
    help: "set runtime values, or with an empty one take back what was set here",
    answer: modifyRuntime,
  },
  "/server_info": { method: "GET", help: "print server version/status information", answer: serverInfo },
  "/stats": { method: "GET", help: "print server stats", parameters: STATS_PARAMETERS, answer: statsPage },
  "/stats/prometheus": {
    method: "GET",
    help: "print server stats in prometheus format",
    parameters: PROMETHEUS_PARAMETERS,
    answer: prometheusPage,
  },
  "/stats/recentlookups": {
    method: "GET",
    help: "lookups of stat names, which this proxy does not make",
    answer: () => ({ body: "Lookup tracking is not enabled. Use /stats/recentlookups/enable to enable.\n\n\ntotal: 0\n" }),
  },
};
