import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import type { JsonValue } from "@bufbuild/protobuf";
import { FilterConfigSchema } from "#envoy/gen/envoy/extensions/filters/http/grpc_stats/v3/config_pb";
import { pack } from "#envoy/any";
import type { Cluster } from "#proxy/cluster/cluster";
import { GrpcStats } from "#proxy/cluster/grpc-stats";
import type { FilterStream, HttpFilter } from "#proxy/http/filter";
import { PairRequestHeaderMap, PairResponseHeaderMap, PairTrailerMap } from "#proxy/http/pair-header-map";
import { FakeStats } from "#proxy/http/stats.fake";
import { StreamRecord } from "#proxy/http/stream-record";
import type { ThreadContext } from "#proxy/thread-context";
import { grpcStatsFilterCompiler } from "./grpc-stats-filter.ts";

const address = { address: "127.0.0.1", port: 1 };
const GRPC = [["content-type", "application/grpc+proto"]] as const;
const MESSAGE = Buffer.from([0, 0, 0, 0, 1, 7]);

class Call {
  readonly stats = new FakeStats();
  readonly info = new StreamRecord(0, 0, {
    local: address,
    remote: address,
    directRemote: address,
    requestedServerName: undefined,
    tls: undefined,
  });
  readonly filter: HttpFilter | undefined;
  readonly request: PairRequestHeaderMap;

  constructor(config: JsonValue, { path = "/pkg.Svc/Do", type = "application/grpc" } = {}) {
    const cluster = { grpcStats: new GrpcStats(this.stats.scope("cluster", "c")) } as unknown as Cluster;
    const thread = { clusters: { get: () => cluster } } as unknown as ThreadContext;
    this.request = new PairRequestHeaderMap({ method: "POST", path, authority: "a", scheme: "http" }, [["content-type", type]]);
    this.info.requestHeaders = this.request;
    const stream = { info: this.info, ended: false } as unknown as FilterStream;
    const factory = grpcStatsFilterCompiler.compile("g", pack(FilterConfigSchema, fromJson(FilterConfigSchema, config)), "c");
    this.filter = factory.withStats!(this.stats, thread).create(stream);
    void this.filter?.onRequestHeaders?.(this.request, false);
  }

  counted(): Record<string, number> {
    return Object.fromEntries([...this.stats.values].map(([name, { value }]) => [name, value] as const).filter(([, value]) => value !== 0));
  }
}

describe("grpc_stats", () => {
  it("counts calls by status, and messages both ways, once the cluster is known", () => {
    const call = new Call({});
    void call.filter!.onRequestData!(Buffer.concat([MESSAGE, MESSAGE]), false);
    assert.deepEqual(call.counted(), {}, "nobody has chosen a cluster");
    call.info.upstreamCluster = "c";
    void call.filter!.onRequestData!(MESSAGE, true);
    void call.filter!.onResponseHeaders!(new PairResponseHeaderMap(200, GRPC), false);
    void call.filter!.onResponseData!(MESSAGE, false);
    void call.filter!.onResponseTrailers!(new PairTrailerMap([["grpc-status", "0"]]));
    assert.deepEqual(call.counted(), {
      "cluster.c.grpc.0": 1,
      "cluster.c.grpc.success": 1,
      "cluster.c.grpc.total": 1,
      "cluster.c.grpc.request_message_count": 3,
      "cluster.c.grpc.response_message_count": 1,
    });
  });

  it("counts an answer without a body by its headers", () => {
    const call = new Call({ statsForAllMethods: true });
    call.info.upstreamCluster = "c";
    void call.filter!.onResponseHeaders!(new PairResponseHeaderMap(200, [...GRPC, ["grpc-status", "14"]]), true);
    assert.deepEqual(call.counted(), {
      "cluster.c.grpc.pkg.Svc.Do.14": 1,
      "cluster.c.grpc.pkg.Svc.Do.failure": 1,
      "cluster.c.grpc.pkg.Svc.Do.total": 1,
    });
  });

  it("names the methods that are listed, and counts the others together", () => {
    const config = { individualMethodStatsAllowlist: { services: [{ name: "pkg.Svc", methodNames: ["Do"] }] } };
    for (const [path, prefix] of [
      ["/pkg.Svc/Do", "cluster.c.grpc.pkg.Svc.Do"],
      ["/pkg.Svc/Other", "cluster.c.grpc"],
      ["/no-method", "cluster.c.grpc"],
    ] as const) {
      const call = new Call(config, { path });
      call.info.upstreamCluster = "c";
      void call.filter!.onResponseTrailers!(new PairTrailerMap([["grpc-status", "5"]]));
      assert.equal(call.stats.get(`${prefix}.total`), 1, path);
    }
  });

  it("puts underscores for the dots of services where asked, and counts no call without a method where each has its own", () => {
    const config = { statsForAllMethods: true, replaceDotsInGrpcServiceName: true };
    const call = new Call(config);
    call.info.upstreamCluster = "c";
    void call.filter!.onResponseTrailers!(new PairTrailerMap([["grpc-status", "0"]]));
    assert.equal(call.stats.get("cluster.c.grpc.pkg_Svc.Do.success"), 1);
    const other = new Call(config, { path: "/a/b/c" });
    other.info.upstreamCluster = "c";
    void other.filter!.onResponseTrailers!(new PairTrailerMap([["grpc-status", "0"]]));
    assert.deepEqual(other.counted(), {});
  });

  it("measures the upstream's time where asked", () => {
    const call = new Call({ enableUpstreamStats: true });
    call.info.upstreamCluster = "c";
    call.info.upstreamLastByteSentMs = 5;
    call.info.upstreamLastByteReceivedMs = 12.7;
    void call.filter!.onResponseTrailers!(new PairTrailerMap([["grpc-status", "0"]]));
    assert.deepEqual(call.stats.recorded("cluster.c.grpc.upstream_rq_time"), [7]);
  });

  it("puts what is no status code under one name: the upstream must not choose how many there are", () => {
    const call = new Call({});
    call.info.upstreamCluster = "c";
    for (const status of ["99", "x", ""]) void call.filter!.onResponseTrailers!(new PairTrailerMap([["grpc-status", status]]));
    assert.equal(call.stats.get("cluster.c.grpc.-1"), 3);
    assert.equal(call.stats.get("cluster.c.grpc.failure"), 3);
  });

  it("leaves other requests alone, without an instance", () => {
    assert.equal(new Call({}, { type: "text/html" }).filter, undefined);
    const web = new Call({}, { type: "application/grpc-web" });
    web.info.upstreamCluster = "c";
    void web.filter!.onResponseTrailers!(new PairTrailerMap([["grpc-status", "0"]]));
    assert.deepEqual(web.counted(), {});
  });
});
