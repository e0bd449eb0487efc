// What decoding and validation say of Istio's kinds, under the name of an analyzer for each kind, as in istioctl.
import type { Finding } from "#api/finding";
import type { Analyzer } from "./analyzer.ts";
import { MESSAGES, type MessageType } from "./messages.ts";

const SCHEMA_KINDS = [
  "AuthorizationPolicy",
  "DestinationRule",
  "EnvoyFilter",
  "Gateway",
  "MeshConfig",
  "MeshNetworks",
  "PeerAuthentication",
  "ProxyConfig",
  "RequestAuthentication",
  "ServiceEntry",
  "Sidecar",
  "Telemetry",
  "TrafficExtension",
  "VirtualService",
  "WasmPlugin",
  "WorkloadEntry",
  "WorkloadGroup",
] as const;

/** What is left to say for who reads files: about kinds that are not known, and what has no effect yet. */
export function isSchemaFinding({ object, code }: Finding): boolean {
  return code !== "MZ0003" && code !== "MZ0004" && (SCHEMA_KINDS as readonly string[]).includes(object?.kind ?? "");
}

export const schemaValidationAnalyzers: readonly Analyzer[] = SCHEMA_KINDS.map((kind) => ({
  name: `schema.ValidationAnalyzer.${kind}`,
  description: `Objects of kind ${kind} are valid`,
  inputs: [kind],
  analyze: ({ objects, report }) => {
    for (const object of objects.list(kind)) {
      for (const finding of object.said ?? []) {
        if (!isSchemaFinding(finding)) continue;
        const { field, hint, message } = finding;
        report(object, messageType(finding), [message], { field, hint });
      }
    }
  },
}));

function messageType({ code, level }: Finding): MessageType<[string]> {
  switch (code) {
    case "IST0106":
      return level === "error" ? MESSAGES.SchemaValidationError : MESSAGES.SchemaWarning;
    case MESSAGES.VirtualServiceIneffectiveMatch.code:
      return MESSAGES.VirtualServiceIneffectiveMatch;
    default:
      return { code, level, text: (message) => message };
  }
}
