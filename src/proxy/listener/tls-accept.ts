// The TLS half of a connection's beginning: reads the ClientHello where no inspector did, shakes hands, judges the client's certificate.
import { inspectClientHello } from "#proxy/codec/tls-inspector/client-hello";
import type { AcceptedSocket } from "#proxy/net/accepted-socket";
import type { Connection, ConnectionOwner } from "#proxy/net/connection";
import type { TlsInfo } from "#proxy/net/tls-info";
import type { DownstreamTls } from "#proxy/transport-socket/downstream-tls";
import type { Secrets } from "#proxy/transport-socket/tls-context";
import type { TlsStats } from "#proxy/transport-socket/tls-stats";
import type { Clock, Timer } from "#runtime/clock";
import type { Counter } from "#telemetry/stats/store";
import type { ConnectionFacts } from "./listener-filter.ts";

export interface TlsAcceptOptions {
  readonly socket: AcceptedSocket;
  readonly facts: ConnectionFacts;
  readonly tls: DownstreamTls;
  readonly secrets: Secrets;
  readonly clock: Clock;
  /** transport_socket_connect_timeout; 0: none. */
  readonly timeoutMs: number;
  /** Protocols that the filter chain does not speak. */
  readonly unserved: readonly string[];
  readonly stats: { readonly tls: TlsStats; readonly secretsNotReady: Counter; readonly timeout: Counter };
  /** Takes the connection over before it returns. */
  readonly onConnection: (connection: Connection, tls: TlsInfo) => void;
  readonly owner: ConnectionOwner;
  readonly onFault: (error: unknown) => void;
  /** Once, in any case: nothing is pending any more. `secured`: `onConnection` follows. */
  readonly onDone: (secured: boolean) => void;
}

const MAX_CLIENT_HELLO = 65_536;

export class TlsAccept {
  readonly #options: TlsAcceptOptions;
  #timer: Timer | undefined;
  #done = false;

  constructor(options: TlsAcceptOptions) {
    this.#options = options;
  }

  start(): void {
    const { socket, facts, clock, timeoutMs, stats } = this.#options;
    if (timeoutMs > 0) {
      this.#timer = clock.setTimer(
        timeoutMs,
        () => {
          stats.timeout.inc();
          this.#fail();
        },
        true,
      );
    }
    if (facts.transportProtocol === "tls" || !this.#readHello(socket.peeked)) {
      if (!this.#done) this.#shakeHands();
      return;
    }
    socket.peek({
      onBytes: (bytes) => {
        if (this.#readHello(bytes) || this.#done) return;
        socket.stopPeeking();
        this.#shakeHands();
      },
      onGone: () => this.#fail(),
    });
  }

  /** The listener goes, or time is over. */
  close(): void {
    this.#fail();
  }

  /** True: not all of it has come. */
  #readHello(bytes: Uint8Array): boolean {
    const { facts, stats } = this.#options;
    const hello = inspectClientHello(bytes);
    if (hello.state === "more" && bytes.length < MAX_CLIENT_HELLO) return true;
    if (hello.state !== "tls") {
      stats.tls.connectionError();
      this.#fail();
      return false;
    }
    facts.transportProtocol = "tls";
    facts.serverName = hello.serverName.toLowerCase();
    facts.applicationProtocols = hello.applicationProtocols;
    return false;
  }

  #shakeHands(): void {
    const { socket, facts, tls, secrets, unserved, stats, owner, onConnection, onFault } = this.#options;
    let answer: ReturnType<DownstreamTls["answer"]>;
    try {
      answer = tls.answer(facts, secrets, unserved);
    } catch (error) {
      // Every secret was tried when it came; the rest of the proxy goes on.
      onFault(error);
      answer = "secrets-not-ready";
    }
    if (typeof answer === "string") {
      if (answer === "secrets-not-ready") stats.secretsNotReady.inc();
      else stats.tls.connectionError();
      this.#fail();
      return;
    }
    socket.secure(answer.options, {
      onSecure: (result, take) => {
        if (this.#done) return;
        const failure = answer.judge(result);
        if (failure !== undefined) {
          stats.tls.refused(failure);
          this.#fail();
          return;
        }
        stats.tls.handshake(result);
        this.#finish(true);
        onConnection(take(owner), result.info);
      },
      onFailed: (failure) => {
        if (this.#done) return;
        stats.tls.failed(failure);
        this.#fail();
      },
    });
  }

  #fail(): void {
    if (this.#done) return;
    this.#options.socket.close();
    this.#finish(false);
  }

  #finish(secured: boolean): void {
    this.#done = true;
    this.#timer?.cancel();
    this.#options.onDone(secured);
  }
}
