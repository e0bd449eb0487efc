// envoy.filters.listener.proxy_protocol: a balancer in front says who the client is.
import { ProxyProtocolConfig_Version as Version } from "#envoy/gen/envoy/config/core/v3/proxy_protocol_pb";
import { ProxyProtocolSchema } from "#envoy/gen/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol_pb";
import type { ProxyProtocol } from "#envoy/gen/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol_pb";
import { readProxyProtocolHeader } from "#proxy/codec/proxy-protocol/proxy-protocol-header";
import type { StatsScope } from "#telemetry/stats/store";
import type { ListenerFilter, ListenerFilterCompiler } from "#proxy/listener/listener-filter";
import { unpackConfig } from "#proxy/unpack-config";

export const proxyProtocolCompiler: ListenerFilterCompiler = {
  configTypes: [ProxyProtocolSchema.typeName],
  compile(any, path, scope) {
    const wire = unpackConfig(any, ProxyProtocolSchema, path, (config: ProxyProtocol, refuse) => {
      if (config.rules.length > 0) refuse("rules", "metadata of TLVs is not served by this proxy");
      if (config.passThroughTlvs !== undefined) refuse("pass_through_tlvs", "not served by this proxy");
    });
    return proxyProtocol(wire, scope);
  },
};

function proxyProtocol(wire: ProxyProtocol, scope: StatsScope | undefined): ListenerFilter {
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
  return {
    inspect(socket, bytes) {
      if (bytes.length === 0) return "more";
      const header = readProxyProtocolHeader(bytes);
      if (header.state === "more") return "more";
      if (header.state === "none") {
        (neededAlways ? notFoundDisallowed : notFoundAllowed)?.inc();
        if (!neededAlways) return "continue";
        failed?.inc();
        return "close";
      }
      // Both signatures end before they could be mistaken for each other.
      const version = versions[bytes[0] === 0x50 ? 0 : 1];
      if (header.state === "error") {
        version?.error?.inc();
        failed?.inc();
        return "close";
      }
      if (version?.allowed === false) {
        version.disallowed?.inc();
        failed?.inc();
        return "close";
      }
      version?.found?.inc();
      const { facts } = socket;
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
