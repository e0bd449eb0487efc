// The active health checks of one cluster: a session for each host that is checked.
import type { ClusterConfig } from "#proxy/cluster/cluster-config";
import { HostConnectors } from "#proxy/cluster/host-connector";
import type { EndpointConfig, LoadAssignmentConfig } from "#proxy/cluster/load-assignment";
import { hostKey } from "#proxy/cluster/upstream-host";
import { http2CodecStats } from "#proxy/http/http2-codec-stats";
import type { Http2CodecStats } from "#proxy/http/http2-codec-stats";
import type { SocketAddress } from "#proxy/net/connection";
import type { Connector } from "#proxy/net/connector";
import { isPipe } from "#proxy/net/socket-address";
import type { Runtime } from "#proxy/runtime/runtime";
import type { Secrets } from "#proxy/transport-socket/tls-context";
import type { StatsScope } from "#telemetry/stats/store";
import type { Clock } from "#runtime/clock";
import type { Random } from "#runtime/random";
import type { ActiveHealth, HostsHealth } from "./active-health.ts";
import type { HealthCheckConfig } from "./health-check-config.ts";
import { HealthCheckSession } from "./health-check-session.ts";
import { HealthCheckStats } from "./health-check-stats.ts";
import { healthEventLine } from "./health-event.ts";
import { GrpcProbe } from "./grpc-probe.ts";
import { HttpProbe } from "./http-probe.ts";
import { HttpProbeConnection } from "./http-probe-connection.ts";
import type { Probe, ProbeContext } from "./probe.ts";
import { TcpProbe } from "./tcp-probe.ts";

export interface HealthCheckerContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly connector: Connector;
  readonly runtime: Runtime;
  readonly secrets: Secrets;
  /** `cluster.<name>` */
  readonly stats: StatsScope;
  readonly hasTraffic: () => boolean;
  readonly writeEvent: (file: string, line: string) => void;
  /** A host's health is another than before, or every host was asked once now. `passed`: the key of a host that has just passed a check. */
  readonly onChange: (passed: string | undefined) => void;
}

interface CheckedHost {
  readonly session: HealthCheckSession;
  /** The endpoint is gone, and the host stays until it fails. */
  leaving: boolean;
}

export class HealthChecker {
  readonly config: ClusterConfig;
  readonly #check: HealthCheckConfig;
  readonly #context: HealthCheckerContext;
  readonly #scope: StatsScope;
  readonly #stats: HealthCheckStats;
  readonly #connectors: HostConnectors;
  #http2Stats: Http2CodecStats | undefined;
  /** By what checks depend on: the host's address, where it is asked, and how. */
  readonly #hosts = new Map<string, CheckedHost>();
  readonly #known: HostsHealth;
  #assigned = false;
  #wasReady = false;

  /** `known`: what earlier checks of the same cluster found out. */
  constructor(config: ClusterConfig, check: HealthCheckConfig, known: HostsHealth, context: HealthCheckerContext) {
    this.config = config;
    this.#check = check;
    this.#known = known;
    this.#context = context;
    this.#scope = context.stats.scope("health_check");
    this.#stats = new HealthCheckStats(this.#scope);
    this.#connectors = new HostConnectors(context.connector, context.secrets, context.stats);
  }

  /** Every host was asked once, in vain or not: the cluster may go live. */
  get ready(): boolean {
    if (!this.#assigned) return false;
    for (const { session } of this.#hosts.values()) if (!session.checked) return false;
    return true;
  }

  get health(): HostsHealth {
    const health = new Map<string, ActiveHealth>();
    for (const [key, { session }] of this.#hosts) health.set(addressKey(key), session.health);
    return health;
  }

  setAssignment(assignment: LoadAssignmentConfig): void {
    this.#assigned = true;
    const wanted = new Map<string, EndpointConfig>();
    for (const endpoint of assignment.priorities.flat().flatMap(({ endpoints }) => endpoints)) {
      if (endpoint.healthCheck?.disabled !== true) wanted.set(sessionKey(endpoint), endpoint);
    }
    const stay = new Set([...wanted.values()].map(({ address }) => hostKey(address)));
    for (const [key, host] of this.#hosts) {
      host.leaving = !wanted.has(key);
      // A host that is asked elsewhere now is another one for the checks, but not for traffic.
      if (host.leaving && (stay.has(addressKey(key)) || !this.#outlives(host))) this.#drop(key, host);
    }
    const fresh: HealthCheckSession[] = [];
    for (const [key, endpoint] of wanted) if (!this.#hosts.has(key)) fresh.push(this.#add(key, endpoint));
    for (const session of fresh) session.start();
    this.#tell(true, undefined);
  }

  /** Traffic brought the news, with an answer of the host's own. */
  setUnhealthy(host: string): void {
    for (const [key, { session }] of this.#hosts) if (addressKey(key) === host) session.failPassively();
  }

  close(): void {
    for (const [key, host] of this.#hosts) this.#drop(key, host);
  }

  #outlives({ session }: CheckedHost): boolean {
    return this.config.keepsHealthyHosts && !session.health.failed;
  }

  #drop(key: string, { session }: CheckedHost): void {
    this.#hosts.delete(key);
    session.close();
  }

  #add(key: string, endpoint: EndpointConfig): HealthCheckSession {
    const { clock, random, runtime, hasTraffic, writeEvent } = this.#context;
    const { probe: kind, eventLogs } = this.#check;
    const session = new HealthCheckSession({
      config: this.#check,
      clock,
      random,
      runtime,
      stats: this.#stats,
      hasTraffic,
      makeProbe: (onResult) => this.#makeProbe({ ...this.#probeContext(endpoint), onResult }),
      health: this.#known.get(hostKey(endpoint.address)),
      onEvent: (event) => {
        if (eventLogs.length === 0) return;
        const source = {
          cluster: this.config.name,
          checker: kind.kind,
          host: endpoint.address,
          locality: endpoint.locality,
          wallMs: clock.wallMs(),
        };
        const line = healthEventLine(event, source);
        for (const file of eventLogs) writeEvent(file, line);
      },
      onChecked: (changed, passed) => {
        const host = this.#hosts.get(key);
        if (host?.leaving === true && !this.#outlives(host)) this.#drop(key, host);
        // Traffic threads eject hosts: only they know whether there is something to take back.
        const takesBack = passed && this.config.outliers?.healthCheckTakesBack === true;
        this.#tell(changed || takesBack, takesBack ? addressKey(key) : undefined);
      },
    });
    this.#hosts.set(key, { session, leaving: false });
    return session;
  }

  #tell(changed: boolean, passed: string | undefined): void {
    const ready = this.ready;
    if (!changed && ready === this.#wasReady) return;
    this.#wasReady = ready;
    this.#context.onChange(passed);
  }

  #makeProbe(context: ProbeContext): Probe {
    const { probe } = this.#check;
    switch (probe.kind) {
      case "http":
        return new HttpProbeConnection(probe.http2, context, new HttpProbe(probe, context));
      case "grpc":
        return new HttpProbeConnection(true, context, new GrpcProbe(probe, context));
      case "tcp":
        return new TcpProbe(probe, context);
    }
  }

  #probeContext(endpoint: EndpointConfig): Omit<ProbeContext, "onResult"> {
    const { transportSockets, socketOptions, name } = this.config;
    const { transportLabels, applicationProtocols, probe, reuseConnection } = this.#check;
    const transport = transportSockets.choose(transportLabels ?? endpoint.labels);
    const ownName = endpoint.healthCheck?.hostname ?? "";
    const configured = probe.kind === "tcp" ? "" : probe.host;
    const speaksHttp2 = probe.kind === "grpc" || (probe.kind === "http" && probe.http2);
    const fallbackProtocols = applicationProtocols.length === 0 && speaksHttp2 ? ["h2"] : applicationProtocols;
    const { clock, random, runtime, stats } = this.#context;
    return {
      address: this.#addressOf(endpoint),
      connector: this.#connectors.for(transport, socketOptions, { proxied: undefined, fallbackProtocols }),
      scheme: transport.isTls ? "https" : "http",
      authority: ownName !== "" ? ownName : configured !== "" ? configured : name,
      reuseConnection,
      clock,
      random,
      runtime,
      http2Stats: () => (this.#http2Stats ??= http2CodecStats(stats)),
      stats: this.#scope,
    };
  }

  #addressOf({ address, healthCheck }: EndpointConfig): SocketAddress {
    if (healthCheck?.address !== undefined) return healthCheck.address;
    const port = healthCheck?.port ?? this.#check.altPort;
    return port === undefined || isPipe(address) ? address : { address: address.address, port };
  }
}

/** The address comes first: threads know hosts by it. */
function sessionKey({ address, healthCheck, labels }: EndpointConfig): string {
  const how = healthCheck === undefined && labels === undefined ? "" : JSON.stringify([healthCheck, labels]);
  return `${hostKey(address)} ${how}`;
}

function addressKey(session: string): string {
  return session.slice(0, session.indexOf(" "));
}
