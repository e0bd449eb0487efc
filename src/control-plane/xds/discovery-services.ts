// The discovery services as @grpc/grpc-js wants them: paths and codecs. Besides the aggregated one there is one a type, each with a
// stream in both protocols, for clients that ask for types one by one.
import { fromBinary, toBinary, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import type { MethodDefinition } from "@grpc/grpc-js";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
  type DeltaDiscoveryRequest,
  type DeltaDiscoveryResponse,
  type DiscoveryRequest,
  type DiscoveryResponse,
} from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import {
  CLUSTER_TYPE,
  ENDPOINT_TYPE,
  EXTENSION_CONFIG_TYPE,
  LISTENER_TYPE,
  ROUTE_TYPE,
  SCOPED_ROUTE_TYPE,
  SECRET_TYPE,
} from "#envoy/type-urls";
import { hasOversizedNode, OversizedNode } from "./node-limit.ts";

type DeltaMethod = MethodDefinition<DeltaDiscoveryRequest, DeltaDiscoveryResponse>;
type SotwMethod = MethodDefinition<DiscoveryRequest, DiscoveryResponse>;

export interface DiscoveryService {
  /** Its methods as grpc-js takes them, by name. */
  readonly methods: { readonly [name: string]: DeltaMethod | SotwMethod };
  readonly deltaMethod: string;
  readonly sotwMethod: string;
  /** The only type that it serves; undefined: all. */
  readonly typeUrl: string | undefined;
}

function service(path: string, deltaMethod: string, sotwMethod: string, typeUrl?: string): DiscoveryService {
  return {
    methods: {
      [deltaMethod]: delta(`/${path}/${deltaMethod}`),
      [sotwMethod]: sotw(`/${path}/${sotwMethod}`),
    },
    deltaMethod,
    sotwMethod,
    typeUrl,
  };
}

const AGGREGATED = "envoy.service.discovery.v3.AggregatedDiscoveryService";
export const deltaAggregatedResources: DeltaMethod = delta(`/${AGGREGATED}/DeltaAggregatedResources`);
export const streamAggregatedResources: SotwMethod = sotw(`/${AGGREGATED}/StreamAggregatedResources`);

export const DISCOVERY_SERVICES: readonly DiscoveryService[] = [
  service(AGGREGATED, "DeltaAggregatedResources", "StreamAggregatedResources"),
  service("envoy.service.cluster.v3.ClusterDiscoveryService", "DeltaClusters", "StreamClusters", CLUSTER_TYPE),
  service("envoy.service.endpoint.v3.EndpointDiscoveryService", "DeltaEndpoints", "StreamEndpoints", ENDPOINT_TYPE),
  service("envoy.service.listener.v3.ListenerDiscoveryService", "DeltaListeners", "StreamListeners", LISTENER_TYPE),
  service("envoy.service.route.v3.RouteDiscoveryService", "DeltaRoutes", "StreamRoutes", ROUTE_TYPE),
  service("envoy.service.route.v3.ScopedRoutesDiscoveryService", "DeltaScopedRoutes", "StreamScopedRoutes", SCOPED_ROUTE_TYPE),
  service("envoy.service.secret.v3.SecretDiscoveryService", "DeltaSecrets", "StreamSecrets", SECRET_TYPE),
  service(
    "envoy.service.extension.v3.ExtensionConfigDiscoveryService",
    "DeltaExtensionConfigs",
    "StreamExtensionConfigs",
    EXTENSION_CONFIG_TYPE,
  ),
];

function delta(path: string): DeltaMethod {
  return bidirectional(path, DeltaDiscoveryRequestSchema, DeltaDiscoveryResponseSchema, DeltaDiscoveryRequestSchema.field.node.number);
}

function sotw(path: string): SotwMethod {
  return bidirectional(path, DiscoveryRequestSchema, DiscoveryResponseSchema, DiscoveryRequestSchema.field.node.number);
}

function bidirectional<Request extends DescMessage, Response extends DescMessage>(
  path: string,
  request: Request,
  response: Response,
  nodeField: number,
): MethodDefinition<MessageShape<Request>, MessageShape<Response>> {
  return {
    path,
    requestStream: true,
    responseStream: true,
    requestSerialize: (message) => Buffer.from(toBinary(request, message)),
    // An error thrown here reaches the client without its text; discovery-streams.ts says it.
    requestDeserialize: (bytes) =>
      hasOversizedNode(bytes, nodeField) ? (new OversizedNode() as unknown as MessageShape<Request>) : fromBinary(request, bytes),
    // Ours come encoded (encoded-response.ts).
    responseSerialize: (message) => (message instanceof Buffer ? message : Buffer.from(toBinary(response, message))),
    responseDeserialize: (bytes) => fromBinary(response, bytes),
  };
}
