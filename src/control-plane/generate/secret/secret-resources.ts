// The secrets of one proxy, encoded. What cannot be used is left out: its host alone waits for it, the others are served.
import { SecretSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb";
import { encode, type Resource } from "#control-plane/generate/resource";
import type { ProxyView } from "#control-plane/mesh/mesh";
import { SECRET_TYPE } from "#envoy/type-urls";
import { credentialUses } from "./credential-names.ts";
import { secretFor } from "./secret.ts";

/** Never shared between proxies: who may have a secret depends on who asks. */
export function secretResources(view: ProxyView): readonly Resource[] {
  const resources: Resource[] = [];
  for (const secretName of new Set(credentialUses(view).map((use) => use.secretName))) {
    const secret = secretFor(secretName, view);
    if (!("fault" in secret)) resources.push(encode(SECRET_TYPE, SecretSchema, secret));
  }
  return resources;
}
