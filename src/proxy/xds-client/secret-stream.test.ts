import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import type { ServerDuplexStream } from "@grpc/grpc-js";
import { NodeSchema } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { DiscoveryRequestSchema, DiscoveryResponseSchema } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import type { DiscoveryRequest, DiscoveryResponse } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import { SecretSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb";
import { anyOf } from "#envoy/any";
import { SECRET_TYPE } from "#envoy/type-urls";
import { realClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { seededRandom } from "#runtime/random";
import { SecretStream } from "./secret-stream.ts";

type Call = ServerDuplexStream<DiscoveryRequest, DiscoveryResponse>;

test("a secret is asked for, acknowledged, refused with its reason, and asked for again on a new stream", async () => {
  const server = new Server();
  const calls: Call[] = [];
  const waiting: ((call: Call) => void)[] = [];
  server.register(
    "/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets",
    (call: Call) => {
      const next = waiting.shift();
      if (next === undefined) calls.push(call);
      else next(call);
    },
    (response: DiscoveryResponse) => Buffer.from(toBinary(DiscoveryResponseSchema, response)),
    (bytes: Buffer) => fromBinary(DiscoveryRequestSchema, bytes),
    "bidi",
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const nextCall = (): Promise<Call> => {
    const call = calls.shift();
    return call === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(call);
  };
  const request = async (call: Call): Promise<DiscoveryRequest> => ((await once(call, "data")) as [DiscoveryRequest])[0];
  const send = (call: Call, name: string, nonce: string): void => {
    const secret = create(SecretSchema, { name });
    const resources = [anyOf(SECRET_TYPE, toBinary(SecretSchema, secret))];
    call.write(create(DiscoveryResponseSchema, { typeUrl: SECRET_TYPE, versionInfo: `v${nonce}`, nonce, resources }));
  };
  const seen: string[] = [];
  const stream = new SecretStream({
    target: `127.0.0.1:${port}`,
    secretName: "default",
    node: create(NodeSchema, { id: "sidecar~1" }),
    clock: realClock,
    random: seededRandom(1),
    log: silentLog,
    onSecret: (_bytes, version) => {
      seen.push(version);
      return Promise.resolve(version === "v2" ? "is no pair" : "");
    },
  });
  stream.start();
  const call = await nextCall();
  const first = await request(call);
  assert.deepEqual([first.node?.id, first.resourceNames, first.versionInfo], ["sidecar~1", ["default"], ""]);
  send(call, "default", "1");
  const ack = await request(call);
  assert.deepEqual([ack.versionInfo, ack.responseNonce, ack.errorDetail], ["v1", "1", undefined]);
  send(call, "default", "2");
  const nack = await request(call);
  assert.deepEqual([nack.versionInfo, nack.responseNonce, nack.errorDetail?.message], ["v1", "2", "is no pair"]);
  send(call, "other", "3");
  assert.match((await request(call)).errorDetail?.message ?? "", /does not hold secret "default"/);
  assert.deepEqual(seen, ["v1", "v2"]);
  call.end();
  const again = await nextCall();
  assert.equal((await request(again)).versionInfo, "v1");
  stream.close();
  await once(again, "cancelled");
  server.forceShutdown();
});
