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
import { readSecretConfig } from "./secret.ts";
import type { Secret, SecretNeed } from "./secret.ts";
import { readTicketKeys } from "./ticket-keys.ts";
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
  const scansAll = wire.fullScanCertsOnSniMismatch ?? false;
  const timeoutMs = durationMs(wire.sessionTimeout);
  const stateless = !(tickets.case === "disableStatelessSessionResumption" && tickets.value);
  const context = compileTlsContext(
    wire.commonTlsContext,
    "server",
    { tickets: stateless, timeoutSeconds: timeoutMs === undefined ? undefined : Math.trunc(timeoutMs / 1000) },
    `${path}.common_tls_context`,
    report,
  );
  const ticketKeys = readTicketKeySource(tickets, path, report);
  const requireCertificate = wire.requireClientCertificate ?? false;
  const requireServerName = wire.requireSni ?? false;
  let contexts: ServerContexts | undefined;
  return {
    needs: ticketKeys.need === undefined ? context.needs : [...context.needs, ticketKeys.need],
    answer(hello, secrets, unserved) {
      const material = context.material(secrets);
      const keys = ticketKeys.get(secrets);
      if (material === undefined || keys === "not-ready") return "secrets-not-ready";
      if (requireServerName && hello.serverName === "") return "no-server-name";
      if (contexts?.material !== material || contexts.ticketKeys !== keys) contexts = new ServerContexts(material, keys, scansAll);
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

interface TicketKeySource {
  readonly need: SecretNeed | undefined;
  /** Undefined: each context makes its own. The same object as long as the secret does not change. */
  get(secrets: Secrets): Buffer | undefined | "not-ready";
}

function readTicketKeySource(wire: DownstreamTlsContext["sessionTicketKeysType"], path: string, report: ReportViolation): TicketKeySource {
  if (wire.case === "sessionTicketKeys") {
    const keys = readTicketKeys(wire.value, `${path}.session_ticket_keys`, report);
    return { need: undefined, get: () => keys };
  }
  if (wire.case !== "sessionTicketKeysSdsSecretConfig") return { need: undefined, get: () => undefined };
  const need = readSecretConfig(wire.value, `${path}.session_ticket_keys_sds_secret_config`, report);
  let current: { readonly secret: Secret; readonly keys: Buffer | undefined } | undefined;
  return {
    need,
    get(secrets) {
      const secret = need === undefined ? undefined : secrets.get(need.key);
      if (secret?.type.case !== "sessionTicketKeys") return "not-ready";
      if (current?.secret !== secret) current = { secret, keys: readTicketKeys(secret.type.value, "", () => {}) };
      return current.keys;
    },
  };
}

/**
 * Which certificates stand for which server name: by exact name, by wildcard, else the first one; where the client names nobody, or all are
 * to be scanned, the first with those of other key types.
 */
class ServerContexts {
  readonly material: TlsMaterial;
  readonly ticketKeys: Buffer | undefined;
  readonly #scansAll: boolean;
  readonly #byName = new Map<string, CertificateAndKey[]>();
  readonly #contexts = new Map<string, SecureContext>();

  constructor(material: TlsMaterial, ticketKeys: Buffer | undefined, scansAll: boolean) {
    this.material = material;
    this.ticketKeys = ticketKeys;
    this.#scansAll = scansAll;
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
    const name = this.#byName.has(serverName) ? serverName : this.#byName.has(wildcard) ? wildcard : serverName === "" ? NO_NAME : OTHER;
    let context = this.#contexts.get(name);
    if (context === undefined) {
      context = this.material.secureContext(this.#certificatesFor(name), this.ticketKeys);
      this.#contexts.set(name, context);
    }
    return context;
  }

  #certificatesFor(name: string): readonly CertificateAndKey[] {
    const { certificates } = this.material;
    if (name === OTHER && !this.#scansAll) return certificates.slice(0, 1);
    return firstOfEachKeyType(this.#byName.get(name) ?? certificates);
  }
}

/** In the place of server names that no certificate is for. */
const OTHER = " ";
const NO_NAME = "";

/** OpenSSL chooses between key types by what the client can; of one type Envoy takes the first. */
function firstOfEachKeyType(certificates: readonly CertificateAndKey[]): CertificateAndKey[] {
  const chosen = new Map<string, CertificateAndKey>();
  for (const certificate of certificates) {
    const type = keyTypeOf(certificate.chain);
    if (!chosen.has(type)) chosen.set(type, certificate);
  }
  return [...chosen.values()];
}
