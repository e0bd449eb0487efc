// A cluster's transport socket, compiled: what a connection to one of its hosts begins with.
import { ProxyProtocolConfig_Version as Version } from "#envoy/gen/envoy/config/core/v3/proxy_protocol_pb";
import type { TransportSocket } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { ProxyProtocolUpstreamTransportSchema } from "#envoy/gen/envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol_pb";
import { UpstreamTlsContextSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb";
import type { UpstreamTlsContext } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb";
import { nameOf, unpack } from "#envoy/any";
import type { ReportViolation } from "#matcher/string-matcher";
import { writeProxyProtocolHeader } from "#proxy/codec/proxy-protocol/write-header";
import type { ConnectionInfo } from "#proxy/net/connection";
import type { ClientTls, ConnectOptions } from "#proxy/net/connector";
import type { SecureContext } from "#proxy/net/secure-context";
import { compilePassThrough } from "./pass-through-tlvs.ts";
import type { PassesTlv } from "./pass-through-tlvs.ts";
import type { SecretNeed } from "./secret.ts";
import { compileTlsContext } from "./tls-context.ts";
import type { Secrets, TlsMaterial } from "./tls-context.ts";
import type { TlsStats } from "./tls-stats.ts";
import { RAW_BUFFER } from "./raw-buffer.ts";

/** What a connection depends on besides the configuration. */
export interface TransportContext {
  /** Whose traffic it will carry; undefined: nobody's in particular. */
  readonly proxied: ConnectionInfo | undefined;
  /** Where the configuration names none: of the request (auto_sni). */
  readonly serverName?: string | undefined;
  /** What the certificate must name besides (auto_san_validation). */
  readonly requiredName?: string | undefined;
  /** ALPN where the configuration has none: of the pool's own protocol. */
  readonly fallbackProtocols?: readonly string[] | undefined;
  readonly stats: TlsStats;
}

export interface UpstreamTransport {
  readonly needs: readonly SecretNeed[];
  /** Two downstream connections may not share one upstream connection. */
  readonly perDownstreamConnection: boolean;
  /** Names of the server matter. */
  readonly isTls: boolean;
  /** Undefined: a secret is not there yet. */
  connectOptions(secrets: Secrets, context: TransportContext): ConnectOptions | undefined;
}

const PLAIN_OPTIONS: ConnectOptions = {};

export const PLAIN: UpstreamTransport = { needs: [], perDownstreamConnection: false, isTls: false, connectOptions: () => PLAIN_OPTIONS };

export function compileUpstreamTransport(socket: TransportSocket | undefined, path: string, report: ReportViolation): UpstreamTransport {
  if (socket === undefined) return PLAIN;
  const config = socket.configType.case === "typedConfig" ? socket.configType.value : undefined;
  const type = config === undefined ? socket.name : nameOf(config.typeUrl);
  try {
    switch (type) {
      case RAW_BUFFER:
      case "envoy.transport_sockets.raw_buffer":
        return PLAIN;
      case UpstreamTlsContextSchema.typeName: {
        const wire = unpack(config, UpstreamTlsContextSchema);
        return wire === undefined ? PLAIN : compileTls(wire, `${path}.typed_config`, report);
      }
      case ProxyProtocolUpstreamTransportSchema.typeName: {
        const wire = unpack(config, ProxyProtocolUpstreamTransportSchema);
        if (wire === undefined) return PLAIN;
        if (wire.transportSocket === undefined) report(`${path}.typed_config.transport_socket`, "must be set");
        const inner = compileUpstreamTransport(wire.transportSocket, `${path}.typed_config.transport_socket`, report);
        const passes = compilePassThrough(wire.config?.passThroughTlvs, `${path}.typed_config.config.pass_through_tlvs`, report);
        return withProxyProtocol(wire.config?.version === Version.V2 ? 2 : 1, passes, inner);
      }
      default:
        report(path, `transport socket ${type} is not known to this proxy`);
        return PLAIN;
    }
  } catch (error) {
    report(`${path}.typed_config`, `is not a valid ${type}: ${String(error)}`);
    return PLAIN;
  }
}

function withProxyProtocol(version: 1 | 2, passes: PassesTlv, inner: UpstreamTransport): UpstreamTransport {
  return {
    needs: inner.needs,
    perDownstreamConnection: true,
    isTls: inner.isTls,
    connectOptions(secrets, context) {
      const options = inner.connectOptions(secrets, context);
      if (options === undefined) return undefined;
      const { proxied } = context;
      const addresses = proxied === undefined ? undefined : { source: proxied.remote, destination: proxied.local };
      const tlvs = (proxied?.proxyProtocolTlvs ?? []).filter(({ type }) => passes(type));
      return { ...options, preamble: (own) => writeProxyProtocolHeader(version, addresses ?? own, tlvs) };
    },
  };
}

function compileTls(wire: UpstreamTlsContext, path: string, report: ReportViolation): UpstreamTransport {
  // OpenSSL refuses a key usage that does not fit by itself.
  if (wire.enforceRsaKeyUsage === false) report(`${path}.enforce_rsa_key_usage`, "cannot be switched off");
  const sessions = { tickets: true, timeoutSeconds: undefined };
  const context = compileTlsContext(wire.commonTlsContext, "client", sessions, `${path}.common_tls_context`, report);
  const { sni } = wire;
  const keepsSessions = (wire.maxSessionKeys ?? 1) > 0;
  let client: ClientContext | undefined;
  return {
    needs: context.needs,
    perDownstreamConnection: false,
    isTls: true,
    connectOptions(secrets, { stats, serverName = "", requiredName, fallbackProtocols = [] }) {
      const material = context.material(secrets);
      if (material === undefined) return undefined;
      if (client?.material !== material) client = new ClientContext(material);
      const protocols = context.applicationProtocols.length > 0 ? context.applicationProtocols : fallbackProtocols;
      return { tls: client.tls(serverName === "" ? sni : serverName, protocols, requiredName, keepsSessions, stats) };
    },
  };
}

const MAX_SESSIONS = 100;

/** One state of the secrets: its OpenSSL context, and the last session of each server name under it. */
class ClientContext {
  readonly material: TlsMaterial;
  readonly #context: SecureContext;
  /** By what the certificate was held against. */
  readonly #sessions = new Map<string, Buffer>();

  constructor(material: TlsMaterial) {
    this.material = material;
    this.#context = material.secureContext(material.certificates);
  }

  tls(
    serverName: string,
    applicationProtocols: readonly string[],
    requiredName: string | undefined,
    keepsSessions: boolean,
    stats: TlsStats,
  ): ClientTls {
    const { validation } = this.material;
    const key = `${serverName} ${requiredName ?? ""}`;
    // A session that is resumed shows no certificate to judge: only those of hosts that were found good are kept. Some come before that.
    let good = false;
    let early: Buffer | undefined;
    return {
      context: this.#context,
      serverName,
      applicationProtocols,
      session: this.#sessions.get(key),
      onSession: (session) => {
        if (!keepsSessions) return;
        if (good) this.#keep(key, session);
        else early = session;
      },
      judge: (result) => {
        const { info, chainProblem } = result;
        const failure = info.peer === undefined ? undefined : validation?.verify(info.peer, chainProblem, requiredName);
        if (failure === undefined) {
          stats.handshake(result);
          good = true;
          if (early !== undefined) this.#keep(key, early);
          return undefined;
        }
        this.#sessions.delete(key);
        stats.refused(failure);
        return failure === "fail_verify_error"
          ? `CERTIFICATE_VERIFY_FAILED: ${chainProblem ?? ""}`
          : `CERTIFICATE_VERIFY_FAILED: ${failure}`;
      },
      onFailed: (failure) => stats.failed(failure),
    };
  }

  #keep(key: string, session: Buffer): void {
    if (this.#sessions.size >= MAX_SESSIONS) this.#sessions.clear();
    this.#sessions.set(key, session);
  }
}
