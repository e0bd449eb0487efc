// The connector to one host: connections begin with what its transport socket wants, from the address that its cluster binds.
import type { ConnectCallbacks, Connector, PendingConnect, TcpKeepalive } from "#proxy/net/connector";
import type { Secrets } from "#proxy/transport-socket/tls-context";
import { TlsStats } from "#proxy/transport-socket/tls-stats";
import { PLAIN } from "#proxy/transport-socket/upstream-transport";
import type { TransportContext, UpstreamTransport } from "#proxy/transport-socket/upstream-transport";
import type { Counter, StatsScope } from "#telemetry/stats/store";
import { sourceFor } from "./bind-config.ts";
import type { BindAddresses } from "./bind-config.ts";

/** What a cluster wants of the sockets of its connections. */
export interface UpstreamSocketOptions {
  readonly bind: BindAddresses | undefined;
  readonly keepalive: TcpKeepalive | undefined;
}

export class HostConnectors {
  readonly #connector: Connector;
  readonly #secrets: Secrets;
  readonly #scope: StatsScope;
  #tlsStats: TlsStats | undefined;
  #notReady: Counter | undefined;

  constructor(connector: Connector, secrets: Secrets, scope: StatsScope) {
    this.#connector = connector;
    this.#secrets = secrets;
    this.#scope = scope;
  }

  for(transport: UpstreamTransport, { bind, keepalive }: UpstreamSocketOptions, context: Omit<TransportContext, "stats">): Connector {
    if (transport === PLAIN && bind === undefined && keepalive === undefined) return this.#connector;
    const stats = (this.#tlsStats ??= new TlsStats(this.#scope));
    return {
      connect: (target, timeoutMs, callbacks) => {
        const options = transport.connectOptions(this.#secrets, { ...context, stats });
        if (options === undefined) return this.#failForSecrets(callbacks);
        const source = sourceFor(target, bind);
        const isDefault = source === undefined && keepalive === undefined;
        return this.#connector.connect(target, timeoutMs, callbacks, isDefault ? options : { ...options, source, keepalive });
      },
    };
  }

  #failForSecrets(callbacks: ConnectCallbacks): PendingConnect {
    this.#notReady ??= this.#scope.counter("client_ssl_socket_factory", "upstream_context_secrets_not_ready");
    this.#notReady.inc();
    let cancelled = false;
    queueMicrotask(() => {
      if (!cancelled) callbacks.onConnectFailed({ kind: "tls-failed", detail: "TLS_error:|Secret is not supplied by SDS:TLS_error_end" });
    });
    return { cancel: () => void (cancelled = true) };
  }
}
