// What the load balancer may know of one request: its hash, its client, and the hosts that earlier tries went to.
import type { Host, LoadBalancerContext, OverrideHost } from "#proxy/cluster/cluster";
import { PreviousPriorities } from "#proxy/cluster/previous-priorities";
import type { RequestHeaderMap } from "#proxy/http/header-map";
import type { StreamInfo } from "#proxy/http/stream-info";
import type { TerminalStream } from "#proxy/http/terminal-filter";
import type { SocketAddress } from "#proxy/net/connection";
import type { RequestHash } from "#proxy/route/hash-policy";
import type { ClusterChoice, MetadataMatch, RetryPolicy, RouteEntry } from "#proxy/route/route";

const NO_COOKIES: readonly string[] = [];

export class HostSelection implements LoadBalancerContext {
  readonly #stream: TerminalStream;
  #hash: RequestHash | undefined = undefined;
  #tried: Host[] | undefined = undefined;
  #policy: RetryPolicy | undefined = undefined;
  metadataMatch: MetadataMatch = undefined;
  previousPriorities: PreviousPriorities | undefined = undefined;

  constructor(stream: TerminalStream) {
    this.#stream = stream;
  }

  get randomValue(): number {
    return this.#stream.routeInput.randomValue;
  }
  get hash(): bigint | undefined {
    return this.#hash?.hash;
  }
  get hostSelectionAttempts(): number {
    return this.#policy?.hostSelectionAttempts ?? 0;
  }
  /** Of the first try: a retry takes what the load balancer gives. */
  get overrideHost(): OverrideHost | undefined {
    return this.#policy === undefined ? this.#stream.overrideHost : undefined;
  }
  get info(): StreamInfo {
    return this.#stream.info;
  }
  get originalDestination(): SocketAddress | undefined {
    return this.#stream.originalDestination;
  }

  /** Only retries are choosy. */
  shouldSelectAnotherHost(host: Host): boolean {
    return this.#tried?.includes(host) === true || this.#policy?.omitsHost?.(host.metadata) === true;
  }

  /** Values of set-cookie headers that make the client come back to this host. */
  get cookies(): readonly string[] {
    return this.#hash?.cookies ?? NO_COOKIES;
  }

  computeHash(route: RouteEntry, headers: RequestHeaderMap): void {
    if (route.hash === undefined) return;
    const { connection, info } = this.#stream;
    const { remote, local } = connection;
    this.#hash = route.hash({ headers, remoteAddress: remote, localAddress: local, filterState: info.filterState });
  }

  /** What the route asks of the host, and what filters said of it over that. */
  matchMetadata(choice: ClusterChoice): void {
    const said = this.#stream.info.dynamicMetadata?.["envoy.lb"];
    this.metadataMatch = said === undefined ? choice.metadataMatch : { ...choice.metadataMatch, ...said };
  }

  /** A try at this host failed and another one follows. */
  onHostAttempted(host: Host, policy: RetryPolicy): void {
    this.#policy = policy;
    if (policy.omitsTriedHosts) (this.#tried ??= []).push(host);
    const frequency = policy.priorityUpdateFrequency;
    if (frequency > 0) (this.previousPriorities ??= new PreviousPriorities(frequency)).onHostAttempted(host);
  }
}
