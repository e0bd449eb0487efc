import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import type { ServerDuplexStream } from "@grpc/grpc-js";
import { DiscoveryRequestSchema, DiscoveryResponseSchema } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import type { DiscoveryRequest, DiscoveryResponse } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import { HEALTH_INFORMATION_TYPE } from "#envoy/type-urls";
import { realClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { seededRandom } from "#runtime/random";
import { AgentChannel, HealthStream } from "./health-stream.ts";

type Stream = ServerDuplexStream<DiscoveryRequest, DiscoveryResponse>;

/** A control plane that only keeps what it hears; the test answers. */
class FakeControlPlane {
  readonly #server = new Server();
  readonly #heard: { readonly stream: Stream; readonly request: DiscoveryRequest }[] = [];
  #waiting: (() => void)[] = [];

  async listen(): Promise<number> {
    this.#server.addService(
      {
        Stream: {
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
        Stream: (stream: Stream) => {
          stream.on("data", (request: DiscoveryRequest) => {
            this.#heard.push({ stream, request });
            for (const resolve of this.#waiting.splice(0)) resolve();
          });
          stream.on("end", () => stream.end());
          stream.on("error", () => {});
        },
      },
    );
    return new Promise((resolve, reject) => {
      this.#server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
        error === null ? resolve(port) : reject(error),
      );
    });
  }

  async heard(index: number): Promise<{ readonly stream: Stream; readonly request: DiscoveryRequest }> {
    for (;;) {
      const found = this.#heard[index];
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  answer(stream: Stream): void {
    stream.write(create(DiscoveryResponseSchema, { typeUrl: HEALTH_INFORMATION_TYPE, versionInfo: "7" }));
  }

  close(): void {
    this.#server.forceShutdown();
  }
}

const NODE = {
  id: "sidecar~127.66.0.5~a-1.default~default.svc.cluster.local",
  cluster: "a.default",
  metadata: { AUTO_REGISTER_GROUP: "a" },
};

describe("the registration stream", () => {
  it("carries the node once, reports in order, knows when a report is live, and says the last one again after a loss", async () => {
    const controlPlane = new FakeControlPlane();
    const channel = new AgentChannel(`127.0.0.1:${await controlPlane.listen()}`);
    const health = new HealthStream({ channel, node: NODE, clock: realClock, random: seededRandom(1), log: silentLog });
    try {
      assert.equal(await health.settled(1), false);
      health.report({ state: "healthy" });
      const first = await controlPlane.heard(0);
      assert.equal(first.request.node?.id, NODE.id);
      assert.equal(first.request.typeUrl, HEALTH_INFORMATION_TYPE);
      assert.equal(first.request.errorDetail, undefined);
      const live = health.settled(10_000);
      controlPlane.answer(first.stream);
      assert.equal(await live, true);

      health.report({ state: "unhealthy", reason: "probe failed" });
      const second = await controlPlane.heard(1);
      assert.equal(second.request.node, undefined);
      assert.equal(second.request.errorDetail?.message, "unhealthy: probe failed");
      // No answer to this one: the next report is not settled by it.
      health.report({ state: "draining" });
      const third = await controlPlane.heard(2);
      assert.equal(third.request.errorDetail?.message, "draining");
      controlPlane.answer(third.stream);
      assert.equal(await health.settled(20), false);

      third.stream.end();
      const again = await controlPlane.heard(3);
      assert.equal(again.request.node?.id, NODE.id);
      assert.equal(again.request.errorDetail?.message, "draining");
      controlPlane.answer(again.stream);
      assert.equal(await health.settled(10_000), true);
    } finally {
      health.close();
      channel.close();
      controlPlane.close();
    }
  });
});
