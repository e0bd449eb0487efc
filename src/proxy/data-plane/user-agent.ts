// What the proxy calls itself towards whoever serves its configuration, and in its dumps.
import { create } from "@bufbuild/protobuf";
import { BuildVersionSchema } from "#envoy/gen/envoy/config/core/v3/base_pb";
import type { Node } from "#envoy/gen/envoy/config/core/v3/base_pb";

/** A bootstrap that says it itself is left as it is. */
export function setUserAgent(node: Node, version: string): void {
  if (node.userAgentName !== "" || node.userAgentVersionType.case !== undefined) return;
  const [majorNumber = 0, minorNumber = 0, patch = 0] = version.split(/[.-]/).map((part) => Number.parseInt(part, 10) || 0);
  node.userAgentName = "mizzen";
  node.userAgentVersionType = {
    case: "userAgentBuildVersion",
    value: create(BuildVersionSchema, {
      version: { majorNumber, minorNumber, patch },
      metadata: { "build.type": "RELEASE", "ssl.version": `OpenSSL-${process.versions.openssl}` },
    }),
  };
}
