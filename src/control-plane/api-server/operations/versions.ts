// An object in another version of its resource: without conversion, as Istio's and the Gateway API's definitions have it.
import type { JsonObject } from "#control-plane/api-server/json";
import type { Resource } from "#control-plane/api-server/resources/resource";

export function inVersion(object: JsonObject, resource: Resource, version: string): JsonObject {
  const apiVersion = resource.apiVersion(version);
  return object["apiVersion"] === apiVersion ? object : { ...object, apiVersion };
}

/** Stored in the preferred version that has the same form, so that what is written in another one is no change. */
export function storedVersion(resource: Resource, version: string): string {
  const declaration = resource.declaration(version);
  return resource.versions.find((candidate) => resource.declaration(candidate) === declaration) ?? version;
}
