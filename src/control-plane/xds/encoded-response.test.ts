import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { DeltaDiscoveryResponseSchema, DiscoveryResponseSchema } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import type { Resource } from "#control-plane/generate/resource";
import { CLUSTER_TYPE } from "#envoy/type-urls";
import { deltaResponse, sotwResponse } from "./encoded-response.ts";
import { versionOf } from "./resource-version.ts";

const resource = (name: string, bytes: number): Resource => ({ name, typeUrl: CLUSTER_TYPE, value: new Uint8Array(bytes).fill(7) });
const resources = [resource("a", 0), resource("b", 5), resource("c", 127), resource("d", 128), resource("e", 70_000)];
const response = { typeUrl: CLUSTER_TYPE, version: "v1", nonce: "CDS-1", resources, removed: ["x", "y"], complete: true };

test("what is put together decodes as what was meant, however often", () => {
  for (const bytes of [deltaResponse(response), deltaResponse(response)]) {
    assert.deepEqual(
      fromBinary(DeltaDiscoveryResponseSchema, bytes),
      create(DeltaDiscoveryResponseSchema, {
        systemVersionInfo: "v1",
        typeUrl: CLUSTER_TYPE,
        nonce: "CDS-1",
        removedResources: ["x", "y"],
        resources: resources.map((each) => ({
          name: each.name,
          version: versionOf(each),
          resource: create(AnySchema, { typeUrl: CLUSTER_TYPE, value: Buffer.from(each.value) }),
        })),
      }),
    );
  }
  const all = fromBinary(DiscoveryResponseSchema, sotwResponse(response, resources));
  assert.deepEqual([all.versionInfo, all.typeUrl, all.nonce], ["v1", CLUSTER_TYPE, "CDS-1"]);
  assert.deepEqual(
    all.resources.map(({ typeUrl, value }) => [typeUrl, value.length]),
    resources.map(({ value }) => [CLUSTER_TYPE, value.length]),
  );
});
