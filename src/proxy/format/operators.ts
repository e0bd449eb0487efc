// The command operators of format strings: each answers one question about a stream. undefined: nothing known, printed "-".
// All text is wire text (see matcher/wire-text.ts). An operator that is not here is refused by name.
import { headerReader } from "#matcher/header-matcher";
import { asciiLower } from "#matcher/wire-text";
import { addressText, isPipe } from "#proxy/net/socket-address";
import type { SocketAddress } from "#proxy/net/connection";
import type { HeaderMap, RequestHeaderMap } from "#proxy/http/header-map";
import { urlEncoded } from "#proxy/http/forward-client-cert";
import type { CertificateInfo, SubjectAltName } from "#proxy/net/tls-info";
import type { StreamInfo } from "#proxy/http/stream-info";
import { grpcStatus, grpcStatusOperator } from "./grpc-status.ts";
import { metadataOperator } from "./metadata-operators.ts";
import type { Operator } from "./operator.ts";
import { flagsText } from "./response-flags.ts";
import { compileTimeFormat } from "./start-time.ts";

const elapsed = (from: number | undefined, to: number | undefined): number | undefined =>
  from === undefined || to === undefined ? undefined : Math.max(0, Math.floor(to - from));

/** Of the connection that there was; UPSTREAM_HOST is the host, connected or not. */
function upstreamRemote({ upstreamHost, upstreamLocal }: StreamInfo): SocketAddress | undefined {
  return upstreamLocal === undefined ? undefined : upstreamHost;
}

const textOf = (address: SocketAddress | undefined): string | undefined => (address === undefined ? undefined : addressText(address));
const portOf = (address: SocketAddress | undefined): number | undefined =>
  address === undefined || isPipe(address) ? undefined : address.port;

const underscored = (text: string | undefined): string | undefined => text?.replaceAll(" ", "_");
const unlessEmpty = (text: string | undefined): string | undefined => (text === "" ? undefined : text);
const unknown: Operator = () => undefined;

type CertificateOf = (info: StreamInfo) => CertificateInfo | undefined;

function names(type: SubjectAltName["type"], of: CertificateOf): Operator {
  return (info) => unlessEmpty(of(info)?.names(type).join(","));
}

function peerOperators(prefix: string, of: CertificateOf): Record<string, Operator> {
  const seconds = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : new Date(ms).toISOString());
  return {
    [`${prefix}_SUBJECT`]: (info) => unlessEmpty(of(info)?.subject),
    [`${prefix}_ISSUER`]: (info) => unlessEmpty(of(info)?.issuer),
    [`${prefix}_SERIAL`]: (info) => of(info)?.serialNumber,
    [`${prefix}_FINGERPRINT_256`]: (info) => of(info)?.hash,
    [`${prefix}_CERT`]: (info) => {
      const certificate = of(info);
      return certificate === undefined ? undefined : urlEncoded(certificate.pem);
    },
    [`${prefix}_CERT_V_START`]: (info) => seconds(of(info)?.validFromMs),
    [`${prefix}_CERT_V_END`]: (info) => seconds(of(info)?.validToMs),
    [`${prefix}_URI_SAN`]: names("URI", of),
    [`${prefix}_DNS_SAN`]: names("DNS", of),
    [`${prefix}_IP_SAN`]: names("IP_ADDRESS", of),
    [`${prefix}_EMAIL_SAN`]: names("EMAIL", of),
  };
}

/** Without arguments. */
const PLAIN: Readonly<Record<string, Operator>> = {
  PROTOCOL: (info) => info.protocol,
  UPSTREAM_PROTOCOL: (info) => info.upstreamProtocol,
  RESPONSE_CODE: (info) => info.responseCode,
  LOCAL_REPLY_BODY: (info) => info.localReplyBody,
  RESPONSE_CODE_DETAILS: (info) => underscored(info.responseCodeDetails),
  CONNECTION_TERMINATION_DETAILS: (info) => info.connectionTerminationDetails,
  RESPONSE_FLAGS: (info) => flagsText(info.flags, "short") ?? "-",
  RESPONSE_FLAGS_LONG: (info) => flagsText(info.flags, "long") ?? "-",
  BYTES_RECEIVED: (info) => info.bytesReceived,
  BYTES_SENT: (info) => info.bytesSent,
  DURATION: (info) => elapsed(info.startMs, info.endMs ?? info.loggedMs),
  REQUEST_DURATION: (info) => elapsed(info.startMs, info.requestCompleteMs),
  REQUEST_TX_DURATION: (info) => elapsed(info.startMs, info.upstreamLastByteSentMs),
  RESPONSE_DURATION: (info) => elapsed(info.startMs, info.upstreamFirstByteReceivedMs),
  RESPONSE_TX_DURATION: (info) => elapsed(info.upstreamFirstByteReceivedMs, info.endMs),
  ROUNDTRIP_DURATION: unknown,
  UPSTREAM_HOST: (info) => textOf(info.upstreamHost),
  UPSTREAM_REMOTE_ADDRESS: (info) => textOf(upstreamRemote(info)),
  UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: (info) => upstreamRemote(info)?.address,
  UPSTREAM_REMOTE_PORT: (info) => portOf(upstreamRemote(info)),
  UPSTREAM_LOCAL_ADDRESS: (info) => textOf(info.upstreamLocal),
  UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: (info) => info.upstreamLocal?.address,
  UPSTREAM_LOCAL_PORT: (info) => portOf(info.upstreamLocal),
  UPSTREAM_CLUSTER: upstreamCluster,
  UPSTREAM_CLUSTER_RAW: upstreamCluster,
  UPSTREAM_TRANSPORT_FAILURE_REASON: (info) => underscored(unlessEmpty(info.upstreamTransportFailure)),
  UPSTREAM_REQUEST_ATTEMPT_COUNT: (info) => info.attemptCount,
  DOWNSTREAM_LOCAL_ADDRESS: (info) => textOf(info.downstreamLocal),
  DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: (info) => info.downstreamLocal?.address,
  DOWNSTREAM_LOCAL_PORT: (info) => portOf(info.downstreamLocal),
  DOWNSTREAM_REMOTE_ADDRESS: (info) => textOf(info.downstreamRemote),
  DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: (info) => info.downstreamRemote?.address,
  DOWNSTREAM_REMOTE_PORT: (info) => portOf(info.downstreamRemote),
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS: (info) => textOf(info.downstreamDirectRemote),
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT: (info) => info.downstreamDirectRemote?.address,
  DOWNSTREAM_DIRECT_REMOTE_PORT: (info) => portOf(info.downstreamDirectRemote),
  REQUESTED_SERVER_NAME: (info) => unlessEmpty(info.requestedServerName),
  TLS_JA3_FINGERPRINT: (info) => unlessEmpty(info.ja3Fingerprint),
  ACCESS_LOG_TYPE: (info) => info.accessLogType,
  VIRTUAL_CLUSTER_NAME: (info) => unlessEmpty(info.virtualCluster),
  ROUTE_NAME: (info) => unlessEmpty(info.routeName),
  GRPC_STATUS_NUMBER: grpcStatus,
  DOWNSTREAM_TLS_VERSION: (info) => unlessEmpty(info.downstreamTls?.version),
  DOWNSTREAM_TLS_CIPHER: (info) => unlessEmpty(info.downstreamTls?.cipher),
  // OpenSSL's session is at hand, its id is not.
  DOWNSTREAM_TLS_SESSION_ID: unknown,
  ...peerOperators("DOWNSTREAM_PEER", (info) => info.downstreamTls?.peer),
  DOWNSTREAM_LOCAL_SUBJECT: (info) => unlessEmpty(info.downstreamTls?.local?.subject),
  DOWNSTREAM_LOCAL_URI_SAN: names("URI", (info) => info.downstreamTls?.local),
  DOWNSTREAM_LOCAL_DNS_SAN: names("DNS", (info) => info.downstreamTls?.local),
  DOWNSTREAM_LOCAL_IP_SAN: names("IP_ADDRESS", (info) => info.downstreamTls?.local),
};

/** Upstream connections have no filter state here: every key is unknown. */
const UPSTREAM_STATE = "UPSTREAM_FILTER_STATE";

function upstreamCluster(info: StreamInfo): string | undefined {
  if (info.upstreamCluster === undefined) info.clusterSource?.noteCluster();
  return unlessEmpty(info.upstreamCluster);
}

export interface OperatorOptions {
  /** What %HOSTNAME% says. */
  readonly hostname: string;
}

/** @throws Error saying why `name` with this argument is not served */
export function compileOperator(name: string, argument: string | undefined, options: OperatorOptions): Operator {
  const plain = Object.hasOwn(PLAIN, name) ? PLAIN[name] : undefined;
  if (plain !== undefined) {
    if (argument !== undefined) throw new Error(`%${name}% takes no argument`);
    return plain;
  }
  if (name === UPSTREAM_STATE) return unknown;
  switch (name) {
    case "GRPC_STATUS":
      return grpcStatusOperator(argument);
    case "HOSTNAME":
      return () => options.hostname;
    case "START_TIME": {
      const format = compileTimeFormat(argument ?? "");
      return (info) => format(info.startWallMs);
    }
    case "DYNAMIC_METADATA":
    case "CLUSTER_METADATA":
    case "UPSTREAM_METADATA":
    case "METADATA":
      return metadataOperator(name, argument);
    case "FILTER_STATE":
    case "DOWNSTREAM_FILTER_STATE":
      return filterState(name, argument);
    case "REQ":
      return requestHeader(name, argument, false);
    case "REQ_WITHOUT_QUERY":
      return requestHeader(name, argument, true);
    case "RESP":
      return responseHeader(name, argument, (info) => info.responseHeaders);
    case "TRAILER":
      return responseHeader(name, argument, (info) => info.responseTrailers);
    default:
      throw new Error(`%${name}% is not a command operator that this proxy serves`);
  }
}

function headerNames(operator: string, argument: string | undefined): [string, string | undefined] {
  if (argument === undefined || argument === "") throw new Error(`%${operator}% needs a header name: %${operator}(NAME)%`);
  const [first, second, ...rest] = asciiLower(argument).split("?");
  if (rest.length > 0) throw new Error(`%${operator}(${argument})% has more than one alternative; write %${operator}(A?B)%`);
  if (first === undefined || first === "" || second === "") throw new Error(`%${operator}(${argument})% lacks a header name`);
  return [first, second];
}

/** The first line of a name; pseudo headers are fields. */
function firstValue(name: string): (headers: RequestHeaderMap) => string | undefined {
  return name.startsWith(":") || name === "host" ? headerReader(name) : (headers): string | undefined => headers.get(name);
}

function requestHeader(operator: string, argument: string | undefined, withoutQuery: boolean): Operator {
  const [first, second] = headerNames(operator, argument);
  const read = firstValue(first);
  const readOther = second === undefined ? undefined : firstValue(second);
  return (info) => {
    const headers = info.requestHeaders;
    if (headers === undefined) return undefined;
    const value = read(headers) ?? readOther?.(headers);
    if (value === undefined || !withoutQuery) return value;
    const query = value.indexOf("?");
    return query < 0 ? value : value.slice(0, query);
  };
}

function responseHeader(operator: string, argument: string | undefined, of: (info: StreamInfo) => HeaderMap | undefined): Operator {
  const [first, second] = headerNames(operator, argument);
  const read = (info: StreamInfo, name: string): string | undefined => {
    if (name === ":status") {
      // Before it is sent, the status is what the answer would have.
      const status = info.responseHeaders?.status ?? info.responseCode;
      return status === 0 ? undefined : String(status);
    }
    return of(info)?.get(name);
  };
  return (info) => read(info, first) ?? (second === undefined ? undefined : read(info, second));
}

/** Everything in this proxy's filter state is text: PLAIN is the text, TYPED its JSON form. */
function filterState(operator: string, argument: string | undefined): Operator {
  const [key, kind = "TYPED", ...rest] = (argument ?? "").split(":");
  if (key === undefined || key === "") throw new Error(`%${operator}% needs a key: %${operator}(KEY)%`);
  if ((kind !== "TYPED" && kind !== "PLAIN") || rest.length > 0)
    throw new Error(`%${operator}(${argument})%: only PLAIN and TYPED are served`);
  return (info) => {
    const value = info.filterState?.get(key);
    return value === undefined || kind === "PLAIN" ? value : JSON.stringify(value);
  };
}
