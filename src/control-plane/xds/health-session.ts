// An agent's stream, without the network. The stream is the life of its workload's entry, and what it reports of the workload's
// health decides whether the entry is an endpoint. Each report is answered once the change is live on every proxy that had to
// know: this is how an agent learns that its workload is drained everywhere.
import { create, type JsonObject } from "@bufbuild/protobuf";
import { DiscoveryResponseSchema, type DiscoveryRequest, type DiscoveryResponse } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import { NodeError, parseNode } from "#control-plane/mesh/parse-node";
import type { HealthStatus } from "#control-plane/registry/service";
import type { RegistrationSession, WorkloadDescription } from "#control-plane/registry/workload-registrations";
import { HEALTH_INFORMATION_TYPE } from "#envoy/type-urls";
import { SessionError } from "./discovery-session.ts";

/** Reports that wait for their answer; more in a row means that the agent does not listen. */
const MAX_WAITING = 64;

export interface HealthSessionOptions {
  /** undefined: there are too many workloads. */
  readonly connect: (workload: WorkloadDescription) => RegistrationSession | undefined;
  /** Makes what was reported so far live now; resolves with its version once every connected proxy has it. */
  readonly whenLive: () => Promise<string>;
  readonly send: (response: DiscoveryResponse) => void;
}

export class HealthSession {
  readonly #options: HealthSessionOptions;
  #registration: RegistrationSession | undefined;
  #workload: WorkloadDescription | undefined;
  #answers = 0;
  #waiting = 0;
  #closed = false;

  constructor(options: HealthSessionOptions) {
    this.#options = options;
  }

  get workload(): WorkloadDescription | undefined {
    return this.#workload;
  }

  /** @throws SessionError */
  receive(request: DiscoveryRequest): void {
    // An acknowledgement of an answer of ours says nothing new.
    if (request.responseNonce !== "" && request.errorDetail === undefined) return;
    if (this.#registration === undefined) this.#register(request);
    if (this.#waiting >= MAX_WAITING) throw new SessionError(`more than ${MAX_WAITING} health reports wait for an answer`);
    this.#registration?.report(healthOf(request));
    this.#waiting++;
    void this.#answer();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#registration?.end();
  }

  #register(request: DiscoveryRequest): void {
    const node = request.node;
    if (node === undefined) throw new SessionError("the first health report must carry the node");
    const workload = workloadOf(node.id, node.metadata ?? {}, node.locality);
    const registration = this.#options.connect(workload);
    if (registration === undefined) throw new SessionError("too many workloads are registered");
    this.#workload = workload;
    this.#registration = registration;
  }

  async #answer(): Promise<void> {
    const version = await this.#options.whenLive();
    this.#waiting--;
    if (this.#closed) return;
    this.#options.send(
      create(DiscoveryResponseSchema, { typeUrl: HEALTH_INFORMATION_TYPE, versionInfo: version, nonce: `HEALTH-${++this.#answers}` }),
    );
  }
}

function healthOf(request: DiscoveryRequest): HealthStatus {
  if (request.errorDetail === undefined) return "HEALTHY";
  return request.errorDetail.message.startsWith("draining") ? "DRAINING" : "UNHEALTHY";
}

/** @throws SessionError naming what the agent left out */
function workloadOf(
  id: string,
  metadata: JsonObject,
  locality: { readonly region: string; readonly zone: string; readonly subZone: string } | undefined,
): WorkloadDescription {
  const group = metadata["AUTO_REGISTER_GROUP"];
  if (typeof group !== "string" || group === "") throw new SessionError("node metadata AUTO_REGISTER_GROUP must name a WorkloadGroup");
  let node: ReturnType<typeof parseNode>;
  try {
    node = parseNode({ id, metadata });
  } catch (error) {
    if (error instanceof NodeError) throw new SessionError(error.message, { cause: error });
    throw error;
  }
  const [address] = node.ipAddresses;
  if (address === undefined) throw new SessionError(`node ${id} has no address`);
  const network = metadata["NETWORK"];
  return {
    group,
    namespace: node.namespace,
    workload: node.name,
    address,
    labels: node.labels,
    serviceAccount: node.serviceAccount,
    ports: Object.fromEntries(node.announcedIngress.filter(({ port }) => port.name !== "").map(({ port }) => [port.name, port.number])),
    listening: node.announcedIngress.map(({ port }) => port.number),
    locality: locality === undefined ? "" : [locality.region, locality.zone, locality.subZone].join("/").replace(/\/+$/u, ""),
    network: typeof network === "string" ? network : "",
  };
}
