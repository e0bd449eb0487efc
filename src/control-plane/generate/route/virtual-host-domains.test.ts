import assert from "node:assert/strict";
import { test } from "node:test";
import type { Service } from "#control-plane/registry/service";
import { DomainTable, serviceDomains, shortNames, withPort } from "./virtual-host-domains.ts";

const NONE: ReadonlySet<string> = new Set();

function names(
  hostname: string,
  over: { headless?: boolean; aliases?: string[]; addresses?: string[]; callerDomain?: string } = {},
): readonly string[] {
  const { headless = false, aliases = [], addresses = [], callerDomain = "default.svc.cluster.local" } = over;
  return serviceDomains({ service: { hostname, headless } as unknown as Service, aliases, addresses, callerDomain }).names;
}

test("a Kubernetes service has short names for callers of its namespace, and fewer for others", () => {
  assert.deepEqual(names("echo.default.svc.cluster.local"), [
    "echo.default.svc.cluster.local",
    "echo.default.svc.cluster.local.",
    "echo",
    "echo.default.svc",
    "echo.default",
  ]);
  assert.deepEqual(shortNames("echo.other.svc.cluster.local", "default.svc.cluster.local"), ["echo.other", "echo.other.svc"]);
});

test("names that are not of this cluster have no short form", () => {
  assert.deepEqual(shortNames("foo.com", "default.svc.cluster.local"), []);
  assert.deepEqual(shortNames("foo.default.svc.other.local", "default.svc.cluster.local"), []);
  assert.deepEqual(shortNames("foo.svc.cluster.local", "default.svc.cluster.local"), []);
  assert.deepEqual(shortNames("foo.com", "example.org"), []);
  assert.deepEqual(shortNames("foo.com", ""), []);
});

test("outside Kubernetes the suffix that host and caller share may be left out", () => {
  assert.deepEqual(shortNames("foo.local.campus.net", "local.campus.net"), ["foo"]);
  assert.deepEqual(shortNames("foo.local.campus.net", "remote.campus.net"), ["foo.local", "foo.local.campus"]);
});

test("a headless service answers for the names of its instances", () => {
  assert.deepEqual(names("db.default.svc.cluster.local", { headless: true }).slice(5), [
    "*.db.default.svc.cluster.local",
    "*.db.default.svc.cluster.local.",
    "*.db",
    "*.db.default.svc",
    "*.db.default",
  ]);
});

test("aliases and addresses follow, IPv6 in brackets", () => {
  assert.deepEqual(names("foo.com", { aliases: ["bar.com"], addresses: ["10.0.0.1", "fd00::1"] }), [
    "foo.com",
    "foo.com.",
    "bar.com",
    "bar.com.",
    "10.0.0.1",
    "[fd00::1]",
  ]);
  assert.equal(withPort("fd00::1", 80), "[fd00::1]:80");
});

test("a domain is taken once, whatever its case", () => {
  const table = new DomainTable(NONE);
  assert.deepEqual(table.take(["Foo.com", "foo.com", "bar.com"], NONE), ["Foo.com", "bar.com"]);
  assert.deepEqual(table.take(["BAR.com", "baz.com"], NONE), ["baz.com"]);
});

test("a short form gives way to the service whose full name it is", () => {
  const table = new DomainTable(new Set(["foo.com"]));
  assert.deepEqual(table.take(["foo.com.cluster.local", "foo.com"], new Set(["foo.com"])), ["foo.com.cluster.local"]);
  assert.deepEqual(table.take(["foo.com"], NONE), ["foo.com"]);
});
