// State-of-the-world clients as cheap as they can be, so that the control plane is measured and not they: responses stay bytes, names
// are cut out of the clusters once, everything is acknowledged at once.
import { Client, credentials, type ClientDuplexStream } from "@grpc/grpc-js";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { DiscoveryRequestSchema, DiscoveryResponseSchema, type DiscoveryRequest } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE } from "#envoy/type-urls";

const ADS = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";
const TYPES = [CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE];
/** What a route configuration of the sidecars under test is asked for by. */
const ROUTE_NAMES = ["80"];

export interface XdsClientsOptions {
  readonly port: number;
  /** Called for each response: which client, which type, its bytes. */
  readonly onResponse: (client: number, typeUrl: string, bytes: Buffer) => void;
}

interface Stream {
  readonly client: Client;
  readonly call: ClientDuplexStream<DiscoveryRequest, Buffer>;
  /** Types that have been answered. */
  readonly have: Set<string>;
}

export class XdsClients {
  readonly #options: XdsClientsOptions;
  readonly #streams: Stream[] = [];
  #endpointNames: readonly string[] | undefined;
  #wake: (() => void) | undefined;

  constructor(options: XdsClientsOptions) {
    this.#options = options;
  }

  /** Resolves once all of them have something of every type. */
  async connect(count: number): Promise<void> {
    while (this.#streams.length < count) this.#open(this.#streams.length);
    while (!this.#streams.every(({ have }) => TYPES.every((type) => have.has(type)))) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  close(): void {
    for (const { call, client } of this.#streams.splice(0)) {
      call.cancel();
      client.close();
    }
  }

  #open(index: number): void {
    const client = new Client(`127.0.0.1:${this.#options.port}`, credentials.createInsecure(), {
      "grpc.enable_http_proxy": 0,
      "grpc.max_receive_message_length": -1,
      "grpc.use_local_subchannel_pool": 1,
    });
    const call = client.makeBidiStreamRequest<DiscoveryRequest, Buffer>(
      ADS,
      (request) => Buffer.from(toBinary(DiscoveryRequestSchema, request)),
      (bytes) => bytes,
    );
    const stream: Stream = { client, call, have: new Set() };
    this.#streams.push(stream);
    call.on("error", () => {});
    call.on("data", (bytes: Buffer) => this.#receive(index, stream, bytes));
    const address = `10.250.${Math.floor(index / 250)}.${(index % 250) + 1}`;
    const ask = (typeUrl: string, resourceNames: string[] = [], node = false): void => {
      call.write(
        create(DiscoveryRequestSchema, {
          typeUrl,
          resourceNames,
          ...(node
            ? {
                node: {
                  id: `sidecar~${address}~client-${index}.default~default.svc.cluster.local`,
                  metadata: { NAMESPACE: "default", INSTANCE_IPS: address, ISTIO_VERSION: "1.32.0", LABELS: { app: "client" } },
                },
              }
            : {}),
        }),
      );
    };
    ask(CLUSTER_TYPE, [], true);
    ask(LISTENER_TYPE);
    ask(ROUTE_TYPE, ROUTE_NAMES);
  }

  #receive(index: number, stream: Stream, bytes: Buffer): void {
    const { typeUrl, nonce, version } = envelopeOf(bytes);
    stream.have.add(typeUrl);
    if (typeUrl === CLUSTER_TYPE) {
      this.#endpointNames ??= endpointNames(bytes);
      if (!stream.have.has("asked for endpoints")) {
        stream.have.add("asked for endpoints");
        stream.call.write(create(DiscoveryRequestSchema, { typeUrl: ENDPOINT_TYPE, resourceNames: [...this.#endpointNames] }));
      }
    }
    const resourceNames = typeUrl === ENDPOINT_TYPE ? [...(this.#endpointNames ?? [])] : typeUrl === ROUTE_TYPE ? ROUTE_NAMES : [];
    stream.call.write(create(DiscoveryRequestSchema, { typeUrl, versionInfo: version, responseNonce: nonce, resourceNames }));
    this.#options.onResponse(index, typeUrl, bytes);
    this.#wake?.();
  }
}

/** The small fields around the resources; those are skipped. DiscoveryResponse: version_info 1, resources 2, type_url 4, nonce 5. */
function envelopeOf(bytes: Buffer): { readonly typeUrl: string; readonly nonce: string; readonly version: string } {
  const texts = new Map<number, string>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const length = varint();
    if (tag >> 3 !== 2) texts.set(tag >> 3, bytes.toString("utf8", at, at + length));
    at += length;
  }
  return { version: texts.get(1) ?? "", typeUrl: texts.get(4) ?? "", nonce: texts.get(5) ?? "" };
}

function endpointNames(bytes: Buffer): string[] {
  return fromBinary(DiscoveryResponseSchema, bytes)
    .resources.map(({ value }) => fromBinary(ClusterSchema, value))
    .filter(({ edsClusterConfig }) => edsClusterConfig !== undefined)
    .map(({ name, edsClusterConfig }) => edsClusterConfig?.serviceName || name);
}
