// Which HTTP a cluster speaks, and the limits of its HTTP connections.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Http1ProtocolOptionsSchema, Http2ProtocolOptionsSchema } from "#envoy/gen/envoy/config/core/v3/protocol_pb";
import { PreserveCaseFormatterConfigSchema } from "#envoy/gen/envoy/extensions/http/header_formatters/preserve_case/v3/preserve_case_pb";
import { HttpProtocolOptionsSchema } from "#envoy/gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb";
import type { ConnectionPoolSettings, HTTPSettings } from "#api/destination-rule";
import type { MeshConfigSpec } from "#api/mesh-config";
import { durationOf } from "#control-plane/generate/duration";
import { isHttp, type Protocol } from "#control-plane/registry/service";
import { pack } from "#envoy/any";
import type { Caller } from "./caller.ts";

export const HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const HTTP2_PING_INTERVAL_MS = 15_000;
const HTTP2_PING_TIMEOUT_MS = 5_000;

/** http1 is what a cluster speaks without any options. */
export type UpstreamProtocol = "http1" | "http2" | "downstream";

function isHttp2(protocol: Protocol): boolean {
  return protocol === "HTTP2" || protocol === "GRPC" || protocol === "GRPC-WEB";
}

/**
 * A sidecar speaks to a port of unknown protocol what its application speaks; gateways take HTTP/1.1. `upgrade`: the mesh's or the rule's
 * policy may make HTTP/2 of it, towards destinations, never towards the own application.
 */
export function upstreamProtocol(
  protocol: Protocol,
  pool: ConnectionPoolSettings | undefined,
  caller: Caller,
  upgrade: MeshConfigSpec["h2UpgradePolicy"] | "never",
): UpstreamProtocol {
  if (pool?.http?.useClientProtocol === true) return "downstream";
  if (isHttp2(protocol) || (upgrade !== "never" && upgrades(protocol, pool?.http, upgrade))) return "http2";
  return protocol === "AUTO" && caller.type === "sidecar" ? "downstream" : "http1";
}

/** A rule that asks for it is believed, whatever the port's protocol; the mesh's policy is for ports that say HTTP. */
function upgrades(protocol: Protocol, http: HTTPSettings | undefined, mesh: MeshConfigSpec["h2UpgradePolicy"]): boolean {
  if (http?.h2UpgradePolicy === "UPGRADE") return true;
  if (http?.h2UpgradePolicy === "DO_NOT_UPGRADE") return false;
  return isHttp(protocol) && mesh === "UPGRADE";
}

export interface HttpOptionsInputs {
  readonly upstream: UpstreamProtocol;
  readonly protocol: Protocol;
  readonly pool: ConnectionPoolSettings | undefined;
  readonly preservesHeaderCase: boolean;
  readonly autoSni?: boolean;
  readonly autoSanValidation?: boolean;
}

type Options = Exclude<MessageInitShape<typeof HttpProtocolOptionsSchema>, { $typeName: string }>;

/** typedExtensionProtocolOptions; empty where Envoy's defaults say the same. */
export function httpOptions(inputs: HttpOptionsInputs) {
  const { upstream, autoSni = false, autoSanValidation = false } = inputs;
  const common = commonOptions(inputs.pool);
  const keepsCase = inputs.preservesHeaderCase && (isHttp(inputs.protocol) || inputs.protocol === "AUTO") && upstream !== "http2";
  if (upstream === "http1" && common === undefined && !keepsCase && !autoSni && !autoSanValidation) return {};
  const options: Options = {
    ...(common === undefined ? {} : { commonHttpProtocolOptions: common }),
    ...(autoSni || autoSanValidation ? { upstreamHttpProtocolOptions: { autoSni, autoSanValidation } } : {}),
    upstreamProtocolOptions: protocolOptions(inputs, keepsCase),
  };
  return { [HTTP_OPTIONS]: pack(HttpProtocolOptionsSchema, create(HttpProtocolOptionsSchema, options)) };
}

function commonOptions(pool: ConnectionPoolSettings | undefined): Options["commonHttpProtocolOptions"] | undefined {
  const idleMs = pool?.http?.idleTimeout ?? pool?.tcp?.idleTimeout;
  const lifeMs = pool?.tcp?.maxConnectionDuration;
  const maxRequestsPerConnection = positive(pool?.http?.maxRequestsPerConnection);
  const streams = positive(pool?.http?.maxConcurrentStreams);
  if (idleMs === undefined && lifeMs === undefined && maxRequestsPerConnection === undefined && streams === undefined) return undefined;
  return {
    ...(idleMs === undefined ? {} : { idleTimeout: durationOf(idleMs) }),
    ...(lifeMs === undefined ? {} : { maxConnectionDuration: durationOf(lifeMs) }),
    ...(maxRequestsPerConnection === undefined ? {} : { maxRequestsPerConnection }),
  };
}

function protocolOptions({ upstream, pool }: HttpOptionsInputs, keepsCase: boolean): NonNullable<Options["upstreamProtocolOptions"]> {
  const http1 = keepsCase ? create(Http1ProtocolOptionsSchema, preservingCase()) : create(Http1ProtocolOptionsSchema);
  switch (upstream) {
    case "downstream":
      return {
        case: "useDownstreamProtocolConfig",
        value: { httpProtocolOptions: http1, http2ProtocolOptions: create(Http2ProtocolOptionsSchema) },
      };
    case "http2": {
      const streams = positive(pool?.http?.maxConcurrentStreams);
      const pings = pool?.http?.http2KeepAlive;
      const value = create(Http2ProtocolOptionsSchema, {
        ...(streams === undefined ? {} : { maxConcurrentStreams: streams }),
        ...(pings === undefined
          ? {}
          : {
              connectionKeepalive: {
                interval: durationOf(pings.interval ?? HTTP2_PING_INTERVAL_MS),
                timeout: durationOf(pings.timeout ?? HTTP2_PING_TIMEOUT_MS),
              },
            }),
      });
      return { case: "explicitHttpConfig", value: { protocolConfig: { case: "http2ProtocolOptions", value } } };
    }
    case "http1":
      return { case: "explicitHttpConfig", value: { protocolConfig: { case: "httpProtocolOptions", value: http1 } } };
  }
}

function preservingCase(): MessageInitShape<typeof Http1ProtocolOptionsSchema> {
  const typedConfig = pack(PreserveCaseFormatterConfigSchema, create(PreserveCaseFormatterConfigSchema));
  return { headerKeyFormat: { headerFormat: { case: "statefulFormatter", value: { name: "preserve_case", typedConfig } } } };
}

function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined;
}
