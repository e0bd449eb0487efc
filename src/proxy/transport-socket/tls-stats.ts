// Statistics of TLS on one listener or cluster, with Envoy's names.
import type { HandshakeFailure, HandshakeResult } from "#proxy/net/tls-handshake";
import type { Counter, StatsScope, TagPart } from "#telemetry/stats/store";
import type { VerifyFailure } from "./certificate-validation.ts";

const EVERYWHERE = [
  "connection_error",
  "fail_verify_cert_hash",
  "fail_verify_error",
  "fail_verify_no_cert",
  "fail_verify_san",
  "handshake",
  "no_certificate",
  "session_reused",
] as const;

export class TlsStats {
  readonly #scope: StatsScope;
  readonly #counters = new Map<string, Counter>();

  constructor(scope: StatsScope) {
    this.#scope = scope;
  }

  /** For who ends or begins TLS: what every such place counts is there from the start, as in Envoy. */
  announce(): void {
    for (const name of EVERYWHERE) this.#counter(name);
  }

  handshake({ info, sessionReused }: HandshakeResult): void {
    this.#inc("handshake");
    if (sessionReused) this.#inc("session_reused");
    if (info.peer === undefined) this.#inc("no_certificate");
    this.#inc("ciphers", { tag: "envoy.ssl_cipher", value: info.cipher });
    this.#inc("versions", { tag: "envoy.ssl_version", value: info.version });
  }

  /** As Envoy: what has a counter of its own, and what the connection's statistics tell, is no error of TLS. */
  failed({ cause }: Pick<HandshakeFailure, "cause">): void {
    if (cause === "no-certificate") this.#inc("fail_verify_no_cert");
    else if (cause === "protocol") this.connectionError();
  }

  connectionError(): void {
    this.#inc("connection_error");
  }

  refused(failure: VerifyFailure): void {
    this.#inc(failure);
  }

  #inc(name: string, detail?: TagPart): void {
    this.#counter(name, detail).inc();
  }

  /** Made at first use: most listeners see no TLS, and none sees every suite. */
  #counter(name: string, detail?: TagPart): Counter {
    const key = detail === undefined ? name : `${name}.${detail.value}`;
    let counter = this.#counters.get(key);
    if (counter === undefined) {
      counter = this.#scope.counter("ssl", name, ...(detail === undefined ? [] : [detail]));
      this.#counters.set(key, counter);
    }
    return counter;
  }
}
