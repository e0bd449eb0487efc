// The Aggregated Discovery Service as @grpc/grpc-js wants it: paths and codecs, made from the generated descriptors.
import { fromBinary, toBinary, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import type { MethodDefinition } from "@grpc/grpc-js";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";

const SERVICE = "envoy.service.discovery.v3.AggregatedDiscoveryService";

export const adsService = {
  DeltaAggregatedResources: bidirectional("DeltaAggregatedResources", DeltaDiscoveryRequestSchema, DeltaDiscoveryResponseSchema),
  StreamAggregatedResources: bidirectional("StreamAggregatedResources", DiscoveryRequestSchema, DiscoveryResponseSchema),
} as const;

function bidirectional<Request extends DescMessage, Response extends DescMessage>(
  name: string,
  request: Request,
  response: Response,
): MethodDefinition<MessageShape<Request>, MessageShape<Response>> {
  return {
    path: `/${SERVICE}/${name}`,
    requestStream: true,
    responseStream: true,
    requestSerialize: (message) => Buffer.from(toBinary(request, message)),
    requestDeserialize: (bytes) => fromBinary(request, bytes),
    responseSerialize: (message) => Buffer.from(toBinary(response, message)),
    responseDeserialize: (bytes) => fromBinary(response, bytes),
  };
}
