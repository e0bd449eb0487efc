// One connected proxy: who it is, its session, and what was generated for it.
import type { Node } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { generateEndpoints, generateResources, type ResourceSet } from "#control-plane/generate/resources";
import type { ResourceCache } from "#control-plane/generate/resource-cache";
import type { Mesh, MeshChange, ProxyView } from "#control-plane/mesh/mesh";
import { NodeError, parseNode } from "#control-plane/mesh/parse-node";
import type { ProxyNode } from "#control-plane/mesh/proxy";
import { ENDPOINT_TYPE, SHORT_TYPE } from "#envoy/type-urls";
import type { Clock } from "#runtime/clock";
import type { Log } from "#runtime/log";
import { DiscoverySession, SessionError, type ResourceRequest, type ResourceResponse, type TypeStatus } from "./discovery-session.ts";
import type { PushMetrics } from "./push-metrics.ts";

/** One version of the mesh on its way to the proxies. */
export interface Push {
  readonly mesh: Mesh;
  readonly sequence: number;
  readonly cache: ResourceCache;
  readonly startedMs: number;
}

export interface Refusal {
  readonly type: string;
  readonly typeUrl: string;
  readonly message: string;
}

export interface ProxyConnectionOptions {
  readonly id: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: PushMetrics;
  readonly send: (response: ResourceResponse) => void;
  readonly refusesWholeResponses: boolean;
  /** What the stream may ask for, where that is one type only. */
  readonly onlyType: string | undefined;
  readonly currentPush: () => Push | undefined;
  readonly onSynced: (connection: ProxyConnection) => void;
  /** The proxy refused something, or accepted what it had refused. */
  readonly onRejections: () => void;
}

export class ProxyConnection {
  readonly id: number;
  readonly connectedMs: number;
  readonly #options: ProxyConnectionOptions;
  readonly #session: DiscoverySession;
  #node: ProxyNode | undefined;
  #push: Push | undefined;
  /** False: the last push could not be generated, so what the proxy has is older than that. */
  #isCurrent = false;
  #clusterId = "Kubernetes";

  constructor(options: ProxyConnectionOptions) {
    this.id = options.id;
    this.#options = options;
    this.connectedMs = options.clock.wallMs();
    this.#session = new DiscoverySession({
      clock: options.clock,
      send: options.send,
      refusesWholeResponses: options.refusesWholeResponses,
      onReject: (typeUrl, rejection) => {
        const type = SHORT_TYPE[typeUrl] ?? typeUrl;
        options.metrics.countReject(type);
        options.log.info("a proxy refused its configuration", { proxy: this.#node?.id, type, error: rejection.message });
        options.onRejections();
      },
      onAccepted: () => options.onRejections(),
      onSynced: () => {
        const push = this.#push;
        if (push !== undefined) options.metrics.countConvergence((options.clock.monotonicMs() - push.startedMs) / 1000);
        options.onSynced(this);
      },
    });
  }

  /** undefined until the first request. */
  get node(): ProxyNode | undefined {
    return this.#node;
  }

  get clusterId(): string {
    return this.#clusterId;
  }

  get resources(): ResourceSet {
    return this.#session.desired;
  }

  get syncedSequence(): number {
    return this.#session.syncedSequence;
  }

  /** What the proxy refuses at the moment, by type. */
  get refusals(): readonly Refusal[] {
    const refusals: Refusal[] = [];
    for (const [typeUrl, type] of Object.entries(SHORT_TYPE)) {
      const message = this.#session.status(typeUrl).rejection?.message;
      if (message !== undefined) refusals.push({ type, typeUrl, message });
    }
    return refusals;
  }

  status(typeUrl: string): TypeStatus {
    return this.#session.status(typeUrl);
  }

  /** @throws SessionError */
  receive(request: ResourceRequest, node: Node | undefined): void {
    const { onlyType } = this.#options;
    if (onlyType !== undefined && request.typeUrl !== onlyType) {
      throw new SessionError(`this stream serves ${onlyType} only, not ${request.typeUrl}`);
    }
    if (this.#node === undefined) {
      this.#identify(node);
      const push = this.#options.currentPush();
      if (push !== undefined) this.push(push, "all");
    }
    this.#session.receive(request);
  }

  push(push: Push, scope: "all" | "endpoints"): void {
    if (this.#node === undefined) return;
    const before = this.#push;
    let resources: ResourceSet;
    try {
      const view = push.mesh.view(this.#node);
      if (scope === "all" || before === undefined) resources = generateResources(view, push.cache);
      else if (this.#isCurrent && !concerns(view, push.mesh.changedSince(before.mesh))) resources = this.#session.desired;
      else resources = new Map([...this.#session.desired, [ENDPOINT_TYPE, generateEndpoints(view, push.cache)]]);
      this.#isCurrent = true;
    } catch (error) {
      // A bug of ours must not take the last good configuration away from a proxy, nor the next one from the others.
      this.#options.metrics.generationErrors++;
      this.#options.log.error("cannot generate the configuration of a proxy, it keeps the last one", {
        proxy: this.#node.id,
        error: String(error),
      });
      resources = this.#session.desired;
      this.#isCurrent = false;
    }
    this.#push = push;
    this.#session.setDesired(resources, push.mesh.version, push.sequence);
  }

  resendAll(): void {
    this.#session.resendAll();
  }

  close(): void {
    this.#session.close();
  }

  #identify(sent: Node | undefined): void {
    if (sent === undefined) throw new SessionError("the first discovery request must carry the node");
    try {
      const { id, metadata, locality, extensions } = sent;
      this.#node = parseNode({ id, metadata: metadata ?? {}, locality, extensions });
    } catch (error) {
      if (error instanceof NodeError) throw new SessionError(error.message, { cause: error });
      throw error;
    }
    const clusterId = sent.metadata?.["CLUSTER_ID"];
    if (typeof clusterId === "string" && clusterId !== "") this.#clusterId = clusterId;
    const { id, version } = this.#node;
    this.#options.log.info("a proxy connected", { proxy: id, version });
  }
}

/** Whether endpoints changed that the proxy is told of. */
function concerns(view: ProxyView, { configuration, endpoints }: MeshChange): boolean {
  return configuration || endpoints === undefined || [...endpoints].some((hostname) => view.service(hostname) !== undefined);
}
