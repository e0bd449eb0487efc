// envoy.filters.listener.proxy_protocol: a balancer in front says who the client is.
import { ProxyProtocolConfig_Version as Version } from "#envoy/gen/envoy/config/core/v3/proxy_protocol_pb";
import { ProxyProtocolSchema } from "#envoy/gen/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol_pb";
import type { ProxyProtocol } from "#envoy/gen/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol_pb";
import { readProxyProtocolHeader } from "#proxy/codec/proxy-protocol/proxy-protocol-header";
import { readTlvs } from "#proxy/codec/proxy-protocol/tlv";
import type { Tlv } from "#proxy/codec/proxy-protocol/tlv";
import type { StatsScope } from "#telemetry/stats/store";
import { compilePassThrough } from "#proxy/transport-socket/pass-through-tlvs";
import type { PassesTlv } from "#proxy/transport-socket/pass-through-tlvs";
import type { ConnectionFacts, ListenerFilter, ListenerFilterCompiler } from "#proxy/listener/listener-filter";
import { unpackConfig } from "#proxy/unpack-config";

/** The shortest header of version 2. */
const JUDGED_BYTES = 16;

export const proxyProtocolCompiler: ListenerFilterCompiler = {
  configTypes: [ProxyProtocolSchema.typeName],
  compile(any, path, scope) {
    let passes: PassesTlv = () => false;
    const wire = unpackConfig(any, ProxyProtocolSchema, path, (config: ProxyProtocol, refuse) => {
      for (const [index, { tlvType, onTlvPresent }] of config.rules.entries()) {
        if (tlvType > 255) refuse(`rules[${index}].tlv_type`, "must be at most 255");
        if (onTlvPresent?.key === "") refuse(`rules[${index}].on_tlv_present.key`, "must not be empty");
      }
      passes = compilePassThrough(config.passThroughTlvs, "pass_through_tlvs", refuse);
    });
    return proxyProtocol(wire, passes, scope);
  },
};

function proxyProtocol(wire: ProxyProtocol, passes: PassesTlv, scope: StatsScope | undefined): ListenerFilter {
  const prefix = wire.statPrefix === "" ? ["proxy_proto"] : ["proxy_proto", wire.statPrefix];
  const count = (...name: string[]): { inc(): void } | undefined => scope?.counter(...prefix, ...name);
  const notFoundAllowed = count("not_found_allowed");
  const notFoundDisallowed = count("not_found_disallowed");
  const versions = ([1, 2] as const).map((version) => ({
    version,
    allowed: !wire.disallowedVersions.includes(version === 1 ? Version.V1 : Version.V2),
    found: count("versions", `v${version}`, "found"),
    disallowed: count("versions", `v${version}`, "disallowed"),
    error: count("versions", `v${version}`, "error"),
  }));
  const neededAlways = !wire.allowRequestsWithoutProxyProtocol;
  const failed = scope?.counter("downstream_cx_proxy_proto_error");
  const rules = compileRules(wire);
  return {
    inspect(socket, bytes) {
      if (bytes.length === 0) return "more";
      // Both signatures end before they could be mistaken for each other, so their first bytes tell them apart.
      const version = bytes[0] === 0x50 ? versions[0] : versions[1];
      // Nobody looks for a version that may not come where none has to: such bytes are the client's own.
      if (!neededAlways && version?.allowed === false) {
        notFoundAllowed?.inc();
        return "continue";
      }
      const header = readProxyProtocolHeader(bytes);
      if (header.state === "more") return "more";
      if (header.state === "none") {
        // As Envoy: a header that has to come is judged when its form must be there.
        if (neededAlways && bytes.length < JUDGED_BYTES && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf("\r\n") < 0)
          return "more";
        (neededAlways ? notFoundDisallowed : notFoundAllowed)?.inc();
        if (!neededAlways) return "continue";
        failed?.inc();
        return "close";
      }
      if (header.state === "error") {
        version?.error?.inc();
        failed?.inc();
        return "close";
      }
      const { facts } = socket;
      const tlvs = readTlvs(header.extensions);
      if (tlvs === undefined) {
        version?.error?.inc();
        failed?.inc();
        return "close";
      }
      version?.found?.inc();
      if (version?.allowed === false) {
        version.disallowed?.inc();
        return "close";
      }
      if (tlvs.length > 0) noteTlvs(tlvs, rules, passes, facts);
      if (header.addresses !== undefined) {
        const { source, destination } = header.addresses;
        if (destination.address !== facts.destination.address || destination.port !== facts.destination.port) {
          facts.destination = destination;
          facts.destinationRestored = true;
        }
        facts.source = source;
      }
      socket.consume(header.length);
      return "continue";
    },
  };
}

const NAMESPACE = "envoy.filters.listener.proxy_protocol";

/** By type: under what name its value is kept. Of two rules for one type the first counts. */
type TlvNames = ReadonlyMap<number, { readonly namespace: string; readonly key: string }>;

function compileRules({ rules }: ProxyProtocol): TlvNames {
  const names = new Map<number, { namespace: string; key: string }>();
  const seen = new Set<number>();
  for (const { tlvType, onTlvPresent: kept } of rules) {
    if (seen.has(tlvType)) continue;
    seen.add(tlvType);
    if (kept !== undefined)
      names.set(tlvType, { namespace: kept.metadataNamespace === "" ? NAMESPACE : kept.metadataNamespace, key: kept.key });
  }
  return names;
}

function noteTlvs(tlvs: readonly Tlv[], names: TlvNames, passes: PassesTlv, facts: ConnectionFacts): void {
  const passed = tlvs.filter(({ type }) => passes(type));
  if (passed.length > 0) facts.proxyProtocolTlvs = passed;
  for (const { type, value } of tlvs) {
    const kept = names.get(type);
    if (kept === undefined) continue;
    const { namespace, key } = kept;
    // Of two of one type the first counts, as in Envoy.
    if (facts.dynamicMetadata?.[namespace]?.[key] !== undefined) continue;
    facts.dynamicMetadata = { ...facts.dynamicMetadata, [namespace]: { ...facts.dynamicMetadata?.[namespace], [key]: utf8Text(value) } };
  }
}

/** As Envoy: what is no UTF-8 is written with "!". */
function utf8Text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).replaceAll("\ufffd", "!");
}
