// A resource's version is the hash of its bytes: equal content is never sent twice, also not by a control plane that was restarted.
import { createHash } from "node:crypto";
import type { Resource } from "#control-plane/generate/resource";

const versions = new WeakMap<Resource, string>();

export function versionOf(resource: Resource): string {
  let version = versions.get(resource);
  if (version === undefined) {
    version = createHash("sha256").update(resource.value).digest("base64url").slice(0, 22);
    versions.set(resource, version);
  }
  return version;
}
