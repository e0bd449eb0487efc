// DownstreamTlsContext: how this proxy answers a ClientHello.
import {
  DownstreamTlsContextSchema,
  DownstreamTlsContext_OcspStaplePolicy as OcspPolicy,
} from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb";
import type { DownstreamTlsContext } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb";
import type { TransportSocket } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { nameOf, unpack } from "#envoy/any";
import { durationMs } from "#envoy/duration";
import type { ReportViolation } from "#matcher/string-matcher";
import { keyTypeOf, serverNamesOf } from "#proxy/net/secure-context";
import type { CertificateAndKey, SecureContext } from "#proxy/net/secure-context";
import type { HandshakeResult, ServerHandshakeOptions } from "#proxy/net/tls-handshake";
import type { VerifyFailure } from "./certificate-validation.ts";
import type { SecretNeed } from "./secret.ts";
import { compileTlsContext } from "./tls-context.ts";
import type { Secrets, TlsMaterial } from "./tls-context.ts";
import { RAW_BUFFER } from "./raw-buffer.ts";

export interface ClientHello {
  readonly serverName: string;
  readonly applicationProtocols: readonly string[];
}

export interface ServerHandshake {
  readonly options: ServerHandshakeOptions;
  /** Before any byte of the client is looked at. Undefined: welcome. */
  judge(result: HandshakeResult): VerifyFailure | undefined;
}

export interface DownstreamTls {
  readonly needs: readonly SecretNeed[];
  /** `unserved`: protocols that whoever takes the connection does not speak. */
  answer(hello: ClientHello, secrets: Secrets, unserved: readonly string[]): ServerHandshake | "secrets-not-ready" | "no-server-name";
}

/** Undefined: plain text. */
export function compileDownstreamTransport(
  socket: TransportSocket | undefined,
  path: string,
  report: ReportViolation,
): DownstreamTls | undefined {
  if (socket === undefined) return undefined;
  const config = socket.configType.case === "typedConfig" ? socket.configType.value : undefined;
  const type = config === undefined ? socket.name : nameOf(config.typeUrl);
  if (type === RAW_BUFFER || type === "envoy.transport_sockets.raw_buffer") return undefined;
  if (type !== DownstreamTlsContextSchema.typeName) {
    report(path, `transport socket ${type} is not known to this proxy`);
    return undefined;
  }
  try {
    const wire = unpack(config, DownstreamTlsContextSchema);
    return wire === undefined ? undefined : compileDownstreamTls(wire, `${path}.typed_config`, report);
  } catch (error) {
    report(`${path}.typed_config`, `is not a valid DownstreamTlsContext: ${String(error)}`);
    return undefined;
  }
}

function compileDownstreamTls(wire: DownstreamTlsContext, path: string, report: ReportViolation): DownstreamTls {
  const tickets = wire.sessionTicketKeysType;
  if (wire.ocspStaplePolicy !== OcspPolicy.LENIENT_STAPLING) report(`${path}.ocsp_staple_policy`, "OCSP responses are not served yet");
  if (wire.fullScanCertsOnSniMismatch === true) report(`${path}.full_scan_certs_on_sni_mismatch`, "not served yet");
  const timeoutMs = durationMs(wire.sessionTimeout);
  const stateless = !(tickets.case === "disableStatelessSessionResumption" && tickets.value);
  const context = compileTlsContext(
    wire.commonTlsContext,
    "server",
    { tickets: stateless, timeoutSeconds: timeoutMs === undefined ? undefined : Math.trunc(timeoutMs / 1000) },
    `${path}.common_tls_context`,
    report,
  );
  const requireCertificate = wire.requireClientCertificate ?? false;
  const requireServerName = wire.requireSni ?? false;
  let contexts: ServerContexts | undefined;
  return {
    needs: context.needs,
    answer(hello, secrets, unserved) {
      const material = context.material(secrets);
      if (material === undefined) return "secrets-not-ready";
      if (requireServerName && hello.serverName === "") return "no-server-name";
      if (contexts?.material !== material) contexts = new ServerContexts(material);
      const { validation } = material;
      return {
        options: {
          context: contexts.for(hello.serverName),
          requestCertificate: requireCertificate || validation?.verifies === true,
          requireCertificate,
          applicationProtocol: context.applicationProtocols.find(
            (protocol) => !unserved.includes(protocol) && hello.applicationProtocols.includes(protocol),
          ),
        },
        judge({ info, chainProblem }) {
          return info.peer === undefined || validation === undefined ? undefined : validation.verify(info.peer, chainProblem);
        },
      };
    },
  };
}

/** Which certificates stand for which server name: by exact name, by wildcard, else the first one with those of other key types. */
class ServerContexts {
  readonly material: TlsMaterial;
  readonly #byName = new Map<string, CertificateAndKey[]>();
  readonly #contexts = new Map<string, SecureContext>();

  constructor(material: TlsMaterial) {
    this.material = material;
    for (const certificate of material.certificates) {
      for (const name of serverNamesOf(certificate.chain)) {
        const list = this.#byName.get(name);
        if (list === undefined) this.#byName.set(name, [certificate]);
        else list.push(certificate);
      }
    }
  }

  for(serverName: string): SecureContext {
    const dot = serverName.indexOf(".");
    const wildcard = dot < 0 ? "" : `*${serverName.slice(dot)}`;
    const name = this.#byName.has(serverName) ? serverName : this.#byName.has(wildcard) ? wildcard : "";
    let context = this.#contexts.get(name);
    if (context === undefined) {
      context = this.material.secureContext(firstOfEachKeyType(this.#byName.get(name) ?? this.material.certificates));
      this.#contexts.set(name, context);
    }
    return context;
  }
}

/** OpenSSL chooses between key types by what the client can; of one type Envoy takes the first. */
function firstOfEachKeyType(certificates: readonly CertificateAndKey[]): CertificateAndKey[] {
  const chosen = new Map<string, CertificateAndKey>();
  for (const certificate of certificates) {
    const type = keyTypeOf(certificate.chain);
    if (!chosen.has(type)) chosen.set(type, certificate);
  }
  return [...chosen.values()];
}
