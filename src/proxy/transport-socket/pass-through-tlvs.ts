// ProxyProtocolPassThroughTLVs: which extensions of a PROXY protocol header are kept of the client's, or go on to the host.
import { ProxyProtocolPassThroughTLVs_PassTLVsMatchType as MatchType } from "#envoy/gen/envoy/config/core/v3/proxy_protocol_pb";
import type { ProxyProtocolPassThroughTLVs } from "#envoy/gen/envoy/config/core/v3/proxy_protocol_pb";
import type { ReportViolation } from "#matcher/string-matcher";

export type PassesTlv = (type: number) => boolean;

const NONE: PassesTlv = () => false;
const ALL: PassesTlv = () => true;

export function compilePassThrough(wire: ProxyProtocolPassThroughTLVs | undefined, path: string, report: ReportViolation): PassesTlv {
  if (wire === undefined) return NONE;
  for (const [index, type] of wire.tlvType.entries()) if (type > 255) report(`${path}.tlv_type[${index}]`, "must be at most 255");
  if (wire.matchType === MatchType.INCLUDE_ALL) return ALL;
  const types = new Set(wire.tlvType);
  return (type) => types.has(type);
}
