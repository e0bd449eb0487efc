// A TCP health check: the host accepts, and answers with the bytes that are waited for. As Envoy's: an answer is looked through from its
// start for as long as it grows; a host that closes in between has failed.
import { writeProxyProtocolHeader } from "#proxy/codec/proxy-protocol/write-header";
import type { Connection, ConnectionHandler } from "#proxy/net/connection";
import type { PendingConnect } from "#proxy/net/connector";
import type { TcpCheckConfig } from "./health-check-config.ts";
import { holdsInOrder } from "./payload.ts";
import { NETWORK_FAILURE } from "./probe.ts";
import type { Probe, ProbeContext } from "./probe.ts";

/** Version 2 has a form for connections of the proxy itself. */
const LOCAL = { source: { address: "", port: 0 }, destination: { address: "", port: 0 } };

/** An answer that never holds what is waited for must not fill memory. */
const MAX_ANSWER_BYTES = 1024 * 1024;

export class TcpProbe implements Probe, ConnectionHandler {
  readonly #config: TcpCheckConfig;
  readonly #context: ProbeContext;
  #connecting: PendingConnect | undefined;
  #connection: Connection | undefined;
  #answer = Buffer.alloc(0);

  constructor(config: TcpCheckConfig, context: ProbeContext) {
    this.#config = config;
    this.#context = context;
  }

  start(): void {
    if (this.#connection !== undefined) {
      this.#send(this.#connection);
      return;
    }
    if (this.#connecting !== undefined) return;
    const { connector, address, onResult } = this.#context;
    this.#connecting = connector.connect(address, 0, {
      onConnected: (connection) => {
        this.#connecting = undefined;
        connection.handler = this;
        if (this.#config.receive.length === 0) {
          connection.close("now");
          onResult({ kind: "success", degraded: false });
          return;
        }
        this.#connection = connection;
        this.#send(connection);
      },
      onConnectFailed: () => {
        this.#connecting = undefined;
        onResult(NETWORK_FAILURE);
      },
    });
  }

  abort(): void {
    this.#connecting?.cancel();
    this.#connecting = undefined;
    const connection = this.#connection;
    this.#connection = undefined;
    this.#answer = Buffer.alloc(0);
    connection?.close("now");
  }

  #send(connection: Connection): void {
    const { proxyProtocol, send } = this.#config;
    if (proxyProtocol !== undefined) {
      const { local, remote } = connection;
      connection.write(writeProxyProtocolHeader(proxyProtocol, proxyProtocol === 1 ? { source: local, destination: remote } : LOCAL));
    }
    if (send.length > 0) connection.write(send);
  }

  onData(chunk: Buffer): void {
    if (this.#connection === undefined) return;
    this.#answer = Buffer.concat([this.#answer, chunk]);
    if (this.#answer.length > MAX_ANSWER_BYTES) {
      this.abort();
      this.#context.onResult(NETWORK_FAILURE);
      return;
    }
    if (!holdsInOrder(this.#answer, this.#config.receive)) return;
    this.#answer = Buffer.alloc(0);
    if (!this.#context.reuseConnection) this.abort();
    this.#context.onResult({ kind: "success", degraded: false });
  }

  onEnd(): void {
    this.#broken();
  }

  onDrain(): void {}

  onClose(): void {
    this.#broken();
  }

  #broken(): void {
    if (this.#connection === undefined) return;
    this.abort();
    this.#context.onResult(NETWORK_FAILURE);
  }
}
