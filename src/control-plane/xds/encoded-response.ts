// Discovery responses in their wire form. What a resource contributes is encoded once and shared by all streams that it is sent on;
// fields that repeat stand one after the other, so a response is a matter of copying.
import { toBinary, create } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { DeltaDiscoveryResponseSchema, DiscoveryResponseSchema, ResourceSchema } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import type { Resource } from "#control-plane/generate/resource";
import type { ResourceResponse } from "./discovery-session.ts";
import { lengthDelimitedTag, varint } from "#envoy/wire-format";
import { versionOf } from "./resource-version.ts";

const DELTA_RESOURCES = lengthDelimitedTag(DeltaDiscoveryResponseSchema.field.resources.number);
const SOTW_RESOURCES = lengthDelimitedTag(DiscoveryResponseSchema.field.resources.number);
const RESOURCE_ANY = lengthDelimitedTag(ResourceSchema.field.resource.number);
const ANY_VALUE = lengthDelimitedTag(AnySchema.field.value.number);

export function deltaResponse(response: ResourceResponse): Buffer {
  const frame = create(DeltaDiscoveryResponseSchema, {
    systemVersionInfo: response.version,
    typeUrl: response.typeUrl,
    nonce: response.nonce,
    removedResources: [...response.removed],
  });
  return Buffer.concat([toBinary(DeltaDiscoveryResponseSchema, frame), ...parts(response.resources, deltaPart)]);
}

/** `resources`: all that are to be in it, whatever the difference was. */
export function sotwResponse(response: ResourceResponse, resources: Iterable<Resource>): Buffer {
  const frame = create(DiscoveryResponseSchema, { versionInfo: response.version, typeUrl: response.typeUrl, nonce: response.nonce });
  return Buffer.concat([toBinary(DiscoveryResponseSchema, frame), ...parts(resources, sotwPart)]);
}

type Part = (resource: Resource) => Uint8Array;

/** The value of a resource is not copied: before it stands what leads up to it, made once. */
function* parts(resources: Iterable<Resource>, before: Part): Iterable<Uint8Array> {
  for (const resource of resources) {
    yield before(resource);
    yield resource.value;
  }
}

const deltaPart = once((resource) => {
  const any = anyPart(resource);
  const named = toBinary(ResourceSchema, create(ResourceSchema, { name: resource.name, version: versionOf(resource) }));
  const anyLength = any.length + resource.value.length;
  const inner = Buffer.concat([named, varint(RESOURCE_ANY), varint(anyLength), any]);
  return Buffer.concat([varint(DELTA_RESOURCES), varint(inner.length + resource.value.length), inner]);
});

const sotwPart = once((resource) => {
  const any = anyPart(resource);
  return Buffer.concat([varint(SOTW_RESOURCES), varint(any.length + resource.value.length), any]);
});

/** An Any up to its value, which is last. */
function anyPart({ typeUrl, value }: Resource): Uint8Array {
  return Buffer.concat([toBinary(AnySchema, create(AnySchema, { typeUrl })), varint(ANY_VALUE), varint(value.length)]);
}

function once(make: Part): Part {
  const made = new WeakMap<Resource, Uint8Array>();
  return (resource) => {
    let part = made.get(resource);
    if (part === undefined) made.set(resource, (part = make(resource)));
    return part;
  };
}
