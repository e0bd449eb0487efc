import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import { Cluster_OriginalDstLbConfigSchema as Schema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { FilterState } from "#proxy/http/filter-state";
import { ORIGINAL_DESTINATION_KEY } from "#proxy/http/filter-state-values";
import { PairRequestHeaderMap } from "#proxy/http/pair-header-map";
import type { StreamInfo } from "#proxy/http/stream-info";
import { addressText } from "#proxy/net/socket-address";
import { originalDestinationOf, readOriginalDestination } from "./original-destination.ts";

interface Said {
  readonly captured?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly metadata?: JsonObject;
  readonly filterState?: string;
}

let invalid = 0;

function destination(config: JsonObject, { captured, headers = [], metadata, filterState }: Said): string | undefined {
  const read = readOriginalDestination(fromJson(Schema, config), (path, message) => assert.fail(`${path}: ${message}`));
  const request = new PairRequestHeaderMap({ method: "GET", path: "/", authority: "h", scheme: "http" });
  for (const [name, value] of headers) request.add(name, value);
  const state = new FilterState();
  if (filterState !== undefined) state.set(ORIGINAL_DESTINATION_KEY, filterState, false);
  const info = {
    requestHeaders: request,
    filterState: state,
    dynamicMetadata: metadata === undefined ? undefined : { ns: metadata },
  } as unknown as StreamInfo;
  const [address = "", port = ""] = captured?.split(":") ?? [];
  const context = {
    randomValue: 0,
    hash: undefined,
    hostSelectionAttempts: 0,
    shouldSelectAnotherHost: () => false,
    originalDestination: captured === undefined ? undefined : { address, port: Number(port) },
    info,
  };
  const found = originalDestinationOf(context, read, () => invalid++);
  return found === undefined ? undefined : addressText(found);
}

const HEADER = { useHttpHeader: true };
const METADATA = { metadataKey: { key: "ns", path: [{ key: "a" }, { key: "b" }] } };

test("captured traffic goes where it meant to, and other traffic to nobody", () => {
  assert.equal(destination({}, { captured: "10.0.0.1:80" }), "10.0.0.1:80");
  assert.equal(destination({}, {}), undefined);
  assert.equal(destination({}, { headers: [["x-envoy-original-dst-host", "10.0.0.2:81"]] }), undefined);
});

test("a header names the destination where that is wanted; of several the first", () => {
  const both = [
    ["x-envoy-original-dst-host", "10.0.0.2:81"],
    ["x-envoy-original-dst-host", "10.0.0.3:81"],
  ] as const;
  assert.equal(destination(HEADER, { captured: "10.0.0.1:80", headers: both }), "10.0.0.2:81");
  assert.equal(destination(HEADER, { captured: "10.0.0.1:80" }), "10.0.0.1:80");
  const own = { ...HEADER, httpHeaderName: "X-Where" };
  assert.equal(destination(own, { headers: [["x-where", "[fd00::1]:82"]] }), "[fd00::1]:82");
});

test("what is no address is counted, and the next thing counts", () => {
  for (const text of ["name:80", "10.0.0.2", "10.0.0.2:99999", "fd00::1:80", "[10.0.0.2]:80", ""]) {
    invalid = 0;
    assert.equal(destination(HEADER, { captured: "10.0.0.1:80", headers: [["x-envoy-original-dst-host", text]] }), "10.0.0.1:80", text);
    assert.equal(invalid, 1, text);
  }
});

test("metadata come before the header, and what a filter left before both", () => {
  const headers = [["x-envoy-original-dst-host", "10.0.0.2:81"]] as const;
  const config = { ...HEADER, ...METADATA };
  assert.equal(destination(config, { headers, metadata: { a: { b: "10.0.0.4:84" } } }), "10.0.0.4:84");
  assert.equal(destination(config, { headers, metadata: { a: { b: ["10.0.0.5:85", "10.0.0.6:86"] } } }), "10.0.0.5:85");
  assert.equal(destination(config, { headers, metadata: { a: {} } }), "10.0.0.2:81");
  assert.equal(destination(config, { headers, filterState: "10.0.0.9:89", metadata: { a: { b: "10.0.0.4:84" } } }), "10.0.0.9:89");
});

test("upstream_port_override is the port of all of them", () => {
  assert.equal(destination({ upstreamPortOverride: 8080 }, { captured: "10.0.0.1:80" }), "10.0.0.1:8080");
  assert.equal(
    destination({ ...HEADER, upstreamPortOverride: 1 }, { headers: [["x-envoy-original-dst-host", "10.0.0.2:81"]] }),
    "10.0.0.2:1",
  );
});

test("what says nothing is refused", () => {
  const refused: string[] = [];
  const wire = fromJson(Schema, { httpHeaderName: "x", upstreamPortOverride: 70_000, metadataKey: {} });
  readOriginalDestination(wire, (path, message) => refused.push(`${path}: ${message}`));
  assert.deepEqual(refused, [
    "original_dst_lb_config.http_header_name: needs use_http_header",
    "original_dst_lb_config.upstream_port_override: 70000 is not a port",
    "original_dst_lb_config.metadata_key.key: must not be empty",
    "original_dst_lb_config.metadata_key.path: must not be empty",
  ]);
});
