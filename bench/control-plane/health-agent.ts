// What an application's agent says to the control plane: its workload is there, and healthy or not.
import { Client, credentials, type ClientDuplexStream } from "@grpc/grpc-js";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
  type DiscoveryRequest,
  type DiscoveryResponse,
} from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import { HEALTH_INFORMATION_TYPE } from "#envoy/type-urls";

const ADS = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";

export class HealthAgent {
  readonly #client: Client;
  readonly #call: ClientDuplexStream<DiscoveryRequest, DiscoveryResponse>;
  #reports = 0;

  constructor(port: number) {
    this.#client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { "grpc.enable_http_proxy": 0 });
    this.#call = this.#client.makeBidiStreamRequest(
      ADS,
      (request) => Buffer.from(toBinary(DiscoveryRequestSchema, request)),
      (bytes) => fromBinary(DiscoveryResponseSchema, bytes),
    );
    this.#call.on("error", () => {});
    this.#call.on("data", () => {});
  }

  report(healthy: boolean): void {
    const first = this.#reports++ === 0;
    this.#call.write(
      create(DiscoveryRequestSchema, {
        typeUrl: HEALTH_INFORMATION_TYPE,
        ...(healthy ? {} : { errorDetail: { code: 13, message: "not ready" } }),
        ...(first
          ? {
              node: {
                id: "sidecar~10.251.0.1~flapping-1.default~default.svc.cluster.local",
                metadata: { AUTO_REGISTER_GROUP: "flapping" },
              },
            }
          : {}),
      }),
    );
  }

  close(): void {
    this.#call.cancel();
    this.#client.close();
  }
}
