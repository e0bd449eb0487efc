import assert from "node:assert/strict";
import test from "node:test";
import { EgressHosts } from "./egress-hosts.ts";

const has = (hosts: readonly string[], hostname: string, namespace: string): boolean =>
  new EgressHosts(hosts, "own").hasService(hostname, namespace);
const hasVirtualService = (hosts: readonly string[], written: readonly string[], namespace = "a"): boolean =>
  new EgressHosts(hosts, "own").hasVirtualService(written, namespace);

const services: readonly [string, readonly string[], string, string, boolean][] = [
  ["everything", ["*/*"], "a.com", "a", true],
  ["one namespace", ["a/*"], "a.com", "a", true],
  ["not another namespace", ["a/*"], "a.com", "b", false],
  ["the own namespace", ["./*"], "a.com", "own", true],
  ["a host in any namespace", ["*/a.com"], "a.com", "b", true],
  ["not another host", ["*/a.com"], "b.com", "b", false],
  ["a wildcard", ["*/*.a.com"], "x.a.com", "b", true],
  ["a wildcard service is no exact host", ["*/x.a.com"], "*.a.com", "b", false],
  ["a wildcard service within a wildcard", ["*/*.com"], "*.a.com", "b", true],
  ["nothing", ["~/*"], "a.com", "a", false],
  ["a namespace is left out", ["*/*", "~b/*"], "a.com", "b", false],
  ["another namespace stays", ["*/*", "~b/*"], "a.com", "a", true],
  ["a host is left out of all namespaces", ["*/*", "~/a.com"], "a.com", "b", false],
  ["a wildcard is left out", ["*/*", "~b/*.wild.com"], "x.wild.com", "b", false],
  ["the own namespace is left out", ["*/*", "~./*"], "a.com", "own", false],
  ["leaving out alone lets nothing in", ["~b/*"], "a.com", "a", false],
  ["without a namespace it is no host", ["a.com"], "a.com", "a", false],
];
for (const [what, hosts, hostname, namespace, expected] of services) {
  test(`services: ${what}`, () => assert.equal(has(hosts, hostname, namespace), expected));
}

const virtualServices: readonly [string, readonly string[], readonly string[], boolean][] = [
  ["one host is enough", ["*/a.com"], ["b.com", "a.com"], true],
  ["an overlap is enough", ["*/a.example.com"], ["*.example.com"], true],
  ["no overlap", ["*/a.com"], ["b.com"], false],
  ["its namespace is left out", ["*/*", "~a/*"], ["a.com"], false],
  ["its only host is left out", ["*/*", "~/a.com"], ["a.com"], false],
  ["another of its hosts stays", ["*/*", "~/a.com"], ["a.com", "b.com"], true],
  ["all of its hosts are left out", ["*/*", "~/a.com", "~/b.com"], ["a.com", "b.com"], false],
  ["a wildcard leaves an exact host out", ["*/*", "~/*.a.com"], ["x.a.com"], false],
  ["an exact host leaves no wildcard out", ["*/*", "~/x.a.com"], ["*.a.com"], true],
  ["what is left out does not overlap either", ["*/a.com", "~/a.com"], ["a.com", "b.com"], false],
];
for (const [what, hosts, written, expected] of virtualServices) {
  test(`VirtualServices: ${what}`, () => assert.equal(hasVirtualService(hosts, written), expected));
}
