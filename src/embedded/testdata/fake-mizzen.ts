// Stands in for mizzen's own child processes in the supervisor's test: a "control plane" that answers health reports and a "data
// plane" whose proxies only have an admin endpoint. Both end when their IPC channel closes, as the real ones do.
import { createServer } from "node:http";
import type { Server } from "node:http";
import { fromBinary, toBinary, create } from "@bufbuild/protobuf";
import { Server as GrpcServer, ServerCredentials } from "@grpc/grpc-js";
import type { ServerDuplexStream } from "@grpc/grpc-js";
import { DiscoveryRequestSchema, DiscoveryResponseSchema } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import type { DiscoveryRequest, DiscoveryResponse } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import type { ControlPlaneStart, RunnableGroup, ToControlPlane, ToDataPlane } from "#embedded/child-messages";

const tell = (message: object): void => {
  process.send?.(message);
};
process.on("disconnect", () => process.exit(0));

function controlPlane(start: ControlPlaneStart): void {
  const server = new GrpcServer();
  server.addService(
    {
      StreamAggregatedResources: {
        path: "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources",
        requestStream: true,
        responseStream: true,
        requestSerialize: (value: DiscoveryRequest) => Buffer.from(toBinary(DiscoveryRequestSchema, value)),
        requestDeserialize: (bytes: Buffer) => fromBinary(DiscoveryRequestSchema, bytes),
        responseSerialize: (value: DiscoveryResponse) => Buffer.from(toBinary(DiscoveryResponseSchema, value)),
        responseDeserialize: (bytes: Buffer) => fromBinary(DiscoveryResponseSchema, bytes),
      },
    },
    {
      StreamAggregatedResources: (stream: ServerDuplexStream<DiscoveryRequest, DiscoveryResponse>) => {
        stream.on("data", (request: DiscoveryRequest) => {
          console.log(`report ${request.errorDetail?.message ?? "healthy"}`);
          stream.write(create(DiscoveryResponseSchema, { typeUrl: request.typeUrl, versionInfo: "1" }));
        });
        stream.on("end", () => stream.end());
      },
    },
  );
  server.bindAsync(`127.0.0.1:${start.grpcPort}`, ServerCredentials.createInsecure(), (error) => {
    if (error !== null) return tell({ type: "failed", message: error.message });
    tell({ type: "ready", grpcPort: start.grpcPort, httpPort: start.httpPort });
    // The test names the groups in the place of a directory.
    tell({ type: "groups", groups: start.sources.map((source) => JSON.parse(source) as RunnableGroup) });
  });
}

function dataPlane(): void {
  const admins = new Map<string, Server>();
  process.on("message", (message: ToDataPlane) => {
    if (message.type === "add-proxy") {
      const document = message.bootstrap as unknown as {
        node: { id: string };
        admin: { address: { socket_address: { address: string; port_value: number } } };
      };
      const { address, port_value: port } = document.admin.address.socket_address;
      const server = createServer((_request, response) => response.end("LIVE\n"));
      admins.set(document.node.id, server);
      console.log(`proxy added ${document.node.id}`);
      server.listen(port, address);
    } else if (message.type === "remove-proxy" || message.type === "in-flight") {
      if (message.type === "remove-proxy") admins.get(message.nodeId)?.close();
      tell({ type: "reply", sequence: message.sequence, value: 0 });
    } else if (message.type === "stop") process.exit(0);
  });
  tell({ type: "ready" });
}

if (process.argv[2] === "data-plane") dataPlane();
else {
  process.on("message", (message: ToControlPlane) => {
    if (message.type === "start") controlPlane(message);
    else if (message.type === "objects") console.log(`objects ${message.name} ${message.yaml.length > 0 ? "set" : "gone"}`);
    else process.exit(0);
  });
}
