// Statistics of TLS on one listener or cluster, with Envoy's names.
import type { HandshakeResult } from "#proxy/net/tls-handshake";
import type { Counter, StatsScope } from "#telemetry/stats/store";
import type { VerifyFailure } from "./certificate-validation.ts";

export class TlsStats {
  readonly #scope: StatsScope;
  readonly #counters = new Map<string, Counter>();

  constructor(scope: StatsScope) {
    this.#scope = scope;
  }

  handshake({ info, sessionReused }: HandshakeResult): void {
    this.#inc("handshake");
    if (sessionReused) this.#inc("session_reused");
    if (info.peer === undefined) this.#inc("no_certificate");
    this.#inc("ciphers", info.cipher);
    this.#inc("versions", info.version);
  }

  /** The handshake itself failed. */
  connectionError(): void {
    this.#inc("connection_error");
  }

  refused(failure: VerifyFailure | "fail_verify_no_cert"): void {
    this.#inc(failure);
  }

  /** Made at first use: most listeners see no TLS, and none sees every suite. */
  #inc(...parts: string[]): void {
    const name = parts.join(".");
    let counter = this.#counters.get(name);
    if (counter === undefined) {
      counter = this.#scope.counter("ssl", ...parts);
      this.#counters.set(name, counter);
    }
    counter.inc();
  }
}
