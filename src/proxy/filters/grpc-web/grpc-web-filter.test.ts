import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create } from "@bufbuild/protobuf";
import { GrpcWebSchema } from "#envoy/gen/envoy/extensions/filters/http/grpc_web/v3/grpc_web_pb";
import { pack } from "#envoy/any";
import { GrpcStats } from "#proxy/cluster/grpc-stats";
import type { Cluster } from "#proxy/cluster/cluster";
import type { HttpFilter } from "#proxy/http/filter";
import { FakeFilterStream, FakeSink } from "#proxy/http/filter-stream.fake";
import type { RequestHeaderMap, ResponseHeaderMap } from "#proxy/http/header-map";
import { PairRequestHeaderMap, PairResponseHeaderMap, PairTrailerMap } from "#proxy/http/pair-header-map";
import type { HeaderPairs } from "#proxy/http/pair-header-map";
import { grpcWebFilterCompiler } from "./grpc-web-filter.ts";

const MESSAGE = Buffer.from([0, 0, 0, 0, 3, 7, 8, 9]);
const GRPC: HeaderPairs = [["content-type", "application/grpc"]];

class Call {
  readonly stream = new FakeFilterStream();
  readonly requests = new FakeSink<RequestHeaderMap>();
  readonly responses = new FakeSink<ResponseHeaderMap>();
  readonly filter: HttpFilter | undefined;

  constructor(type: string, headers: HeaderPairs = []) {
    const cluster = { grpcStats: new GrpcStats(this.stream.stats.scope("cluster", "c")) } as unknown as Cluster;
    this.stream.clusters = { get: () => cluster };
    this.stream.info.upstreamCluster = "c";
    this.stream.headers = new PairRequestHeaderMap({ method: "POST", path: "/pkg.Svc/Do", authority: "a", scheme: "http" }, [
      ["content-type", type],
      ["content-length", "8"],
      ...headers,
    ]);
    this.stream.info.requestHeaders = this.stream.headers;
    const factory = grpcWebFilterCompiler.compile("w", pack(GrpcWebSchema, create(GrpcWebSchema)), "c");
    this.filter = factory.withStats!(this.stream.stats, this.stream.thread)!.create(this.stream);
    this.filter?.takeRequest!({ kind: "headers", headers: this.stream.headers, endStream: false }, this.requests);
  }

  request(chunk: Buffer | string, endStream = true): void {
    this.filter!.takeRequest!({ kind: "data", chunk: Buffer.from(chunk), endStream }, this.requests);
  }

  respond(headers: ResponseHeaderMap, ...chunks: readonly Buffer[]): void {
    this.filter!.takeResponse!({ kind: "headers", headers, endStream: chunks.length === 0 }, this.responses);
    for (const chunk of chunks) this.filter!.takeResponse!({ kind: "data", chunk, endStream: false }, this.responses);
  }

  trailers(pairs: HeaderPairs): void {
    this.filter!.takeResponse!({ kind: "trailers", trailers: new PairTrailerMap(pairs) }, this.responses);
  }

  get body(): Buffer {
    return Buffer.concat(this.responses.parts.flatMap((part) => (part.kind === "data" ? [part.chunk] : [])));
  }
}

describe("grpc_web", () => {
  it("makes gRPC of a request", () => {
    const call = new Call("application/grpc-web+proto");
    call.request(MESSAGE);
    const { headers } = call.stream;
    assert.deepEqual(
      ["content-type", "te", "grpc-accept-encoding", "content-length"].map((name) => headers.get(name)),
      ["application/grpc", "trailers", "identity", undefined],
    );
    assert.deepEqual(call.requests.text, ["headers", `${MESSAGE.toString("latin1")}.`]);
  });

  it("puts the trailers of the answer behind its body, as a frame", () => {
    const call = new Call("application/grpc-web");
    const headers = new PairResponseHeaderMap(200, GRPC);
    call.respond(headers, MESSAGE);
    call.trailers([
      ["grpc-status", "5"],
      ["grpc-message", "no"],
    ]);
    assert.equal(headers.get("content-type"), "application/grpc-web+proto");
    const lines = "grpc-status:5\r\ngrpc-message:no\r\n";
    assert.deepEqual(call.body, Buffer.concat([MESSAGE, Buffer.from([0x80, 0, 0, 0, lines.length]), Buffer.from(lines)]));
    assert.equal(call.responses.text.at(-1)!.endsWith("."), true);
    assert.equal(call.stream.stats.get("cluster.c.grpc-web.pkg.Svc.Do.5"), 1);
    assert.equal(call.stream.stats.get("cluster.c.grpc-web.pkg.Svc.Do.failure"), 1);
  });

  it("leaves an answer without a body as it is: browsers can read its headers", () => {
    const call = new Call("application/grpc-web");
    call.respond(new PairResponseHeaderMap(200, [...GRPC, ["grpc-status", "12"]]));
    assert.deepEqual(call.responses.text, ["headers."]);
  });

  it("makes a gRPC status of what is no gRPC answer, with the body as its message", () => {
    const call = new Call("application/grpc-web");
    const headers = new PairResponseHeaderMap(503, [["content-type", "text/plain"]]);
    call.respond(headers, Buffer.from("no healthy"));
    call.filter!.takeResponse!({ kind: "data", chunk: Buffer.from(" up%"), endStream: true }, call.responses);
    assert.deepEqual(call.responses.text, ["headers."]);
    assert.deepEqual(
      [headers.status, ...["grpc-status", "grpc-message", "content-length", "content-type"].map((name) => headers.get(name))],
      [503, "14", "no healthy up%25", "0", "application/grpc-web+proto"],
    );
  });

  it("keeps a foreign answer's message short when it comes in pieces", () => {
    const call = new Call("application/grpc-web");
    const headers = new PairResponseHeaderMap(500);
    call.respond(headers, ...Array.from({ length: 50 }, () => Buffer.alloc(1000, "x")));
    call.filter!.takeResponse!({ kind: "data", chunk: Buffer.alloc(0), endStream: true }, call.responses);
    assert.equal(headers.get("grpc-message")!.length, 16_384);
  });

  it("reads text requests however they are cut, and refuses what is no base64", () => {
    const text = MESSAGE.toString("base64");
    for (let at = 0; at <= text.length; at++) {
      const call = new Call("application/grpc-web-text");
      call.request(text.slice(0, at), false);
      call.request(text.slice(at));
      assert.equal(call.requests.text.slice(1).join(""), `${MESSAGE.toString("latin1")}.`, `cut at ${at}`);
    }
    for (const [bad, details] of [
      ["AAAAA", "grpc_base_64_decode_failed_bad_size"],
      ["AA%A", "grpc_base_64_decode_failed"],
      ["AA==AAAA", "grpc_base_64_decode_failed"],
    ] as const) {
      const call = new Call("application/grpc-web-text+proto");
      call.request(bad);
      assert.deepEqual([call.requests.reply?.status, call.requests.reply?.details], [400, details]);
      call.request("AAAA");
      assert.deepEqual(call.requests.text, ["headers"]);
    }
  });

  it("answers in text where that is accepted, each message for itself", () => {
    const call = new Call("application/grpc-web-text", [["accept", "application/grpc-web-text"]]);
    const headers = new PairResponseHeaderMap(200, GRPC);
    call.respond(
      headers,
      MESSAGE.subarray(0, 3),
      Buffer.concat([MESSAGE.subarray(3), MESSAGE]),
      MESSAGE.subarray(0, 6),
      MESSAGE.subarray(6),
    );
    call.trailers([["grpc-status", "0"]]);
    assert.equal(headers.get("content-type"), "application/grpc-web-text+proto");
    const one = MESSAGE.toString("base64");
    assert.ok(call.body.toString().startsWith(one + one + one));
    assert.equal(Buffer.from(call.body.toString().slice(one.length * 3), "base64").toString("latin1", 5), "grpc-status:0\r\n");
  });

  it("holds no message back that is larger than the buffer limit", () => {
    const call = new Call("application/grpc-web-text", [["accept", "application/grpc-web-text+proto"]]);
    const large = Buffer.alloc(2000);
    large.writeUInt32BE(5000, 1);
    call.respond(new PairResponseHeaderMap(200, GRPC), large);
    assert.equal(call.responses.overflowed, true);
  });

  it("leaves everything else alone, without an instance", () => {
    assert.equal(new Call("application/grpc").filter, undefined);
    assert.equal(new Call("application/json").filter, undefined);
  });
});
