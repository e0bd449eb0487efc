// What is sent through a proxy under test, and what came of it. Plain data: it travels between the processes of the harness.
import type { KeyPair } from "#runtime/x509";

type Protocol = "http/1.1" | "h2" | "tcp";

export interface ClientTls {
  readonly sni: string | undefined;
  readonly alpn: readonly string[];
  readonly certificate: KeyPair | undefined;
}

export interface TrafficRequest {
  /** Where the connection goes to. */
  readonly address: string;
  readonly port: number;
  readonly protocol: Protocol;
  readonly tls?: ClientTls;
  readonly method: string;
  readonly authority: string;
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly timeoutMs: number;
}

/** Of a TLS connection, by the one who accepted it. */
interface AcceptedTls {
  readonly sni: string | undefined;
  readonly alpn: string | undefined;
  /** Subject alternative names of the client's certificate. */
  readonly client: string | undefined;
}

/** What an echo server says that it received. */
export interface EchoReport {
  /** Where the connection ended: address and port, or the path of a Unix socket. */
  readonly destination: string;
  readonly protocol: Protocol;
  readonly tls: AcceptedTls | undefined;
  /** The PROXY header in front, in words. */
  readonly proxyProtocol: string | undefined;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

export type Outcome =
  | {
      readonly kind: "answered";
      /** 0 for TCP. */
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      /** Absent where the proxy itself answered. */
      readonly report: EchoReport | undefined;
      /** What the proxy itself said. */
      readonly body: string;
      /** Subject alternative names of the certificate that the client was shown. */
      readonly certificate: string | undefined;
    }
  | { readonly kind: "failed"; readonly reason: "refused" | "closed" | "timeout" | "tls" };

/** Headers by which a request asks the echo server for more than an echo. */
export const TAG_HEADER = "x-echo-tag";
export const STATUS_HEADER = "x-echo-status";
/** Milliseconds until the answer. */
export const DELAY_HEADER = "x-echo-delay";
/** A JSON object of headers for the answer. */
export const ANSWER_HEADER = "x-echo-answer";
