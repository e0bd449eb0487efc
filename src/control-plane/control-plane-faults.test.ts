// What may go wrong around a running control plane costs only what is wrong: seen from a proxy that stays connected.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { create } from "@bufbuild/protobuf";
import { Client, credentials, type ClientDuplexStream } from "@grpc/grpc-js";
import type { Finding } from "#api/finding";
import {
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryRequest,
  type DeltaDiscoveryResponse,
} from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import { deltaAggregatedResources } from "#control-plane/xds/discovery-services";
import { CLUSTER_TYPE } from "#envoy/type-urls";
import { realClock, type Clock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { startControlPlane } from "./control-plane.ts";

const service = (name: string, port: number | string = 80): string =>
  `apiVersion: v1\nkind: Service\nmetadata: { name: ${name}, namespace: default }\nspec: { clusterIP: 10.96.1.1, ports: [{ name: http, port: ${port} }] }\n`;

/** Holds what a proxy holds, and remembers what it ever lost. */
class Watcher {
  readonly have = new Set<string>();
  readonly lost: string[] = [];
  readonly #call: ClientDuplexStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse>;
  #wake: (() => void) | undefined;

  constructor(client: Client) {
    const { path, requestSerialize, responseDeserialize } = deltaAggregatedResources;
    this.#call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    this.#call.on("error", () => {});
    this.#call.on("data", (response: DeltaDiscoveryResponse) => {
      for (const { name } of response.resources) this.have.add(name);
      for (const name of response.removedResources) {
        this.have.delete(name);
        this.lost.push(name);
      }
      this.#call.write(create(DeltaDiscoveryRequestSchema, { typeUrl: CLUSTER_TYPE, responseNonce: response.nonce }));
      this.#wake?.();
    });
    const node = { id: "sidecar~10.1.0.1~app-1.default~default.svc.cluster.local" };
    this.#call.write(create(DeltaDiscoveryRequestSchema, { typeUrl: CLUSTER_TYPE, node }));
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

const cluster = (name: string, port = 80): string => `outbound|${port}||${name}.default.svc.cluster.local`;

async function start(t: TestContext, files: Readonly<Record<string, string>>, clock: Clock = realClock) {
  const directory = mkdtempSync(join(tmpdir(), "mizzen-faults-"));
  const source = join(directory, "mesh");
  mkdirSync(source);
  const write = (name: string, text: string): void => writeFileSync(join(source, name), text);
  for (const [name, text] of Object.entries(files)) write(name, text);
  const findings = new Map<string, Finding>();
  const controlPlane = await startControlPlane({
    sources: [source],
    recursive: false,
    grpc: { address: "127.0.0.1", port: 0 },
    http: { address: "127.0.0.1", port: 0 },
    stateDirectory: join(directory, "state"),
    version: "1.2.3",
    clock,
    log: silentLog,
    onFindings: (fresh, gone) => {
      for (const finding of gone) findings.delete(`${finding.code} ${finding.place?.file}:${finding.place?.line}`);
      for (const finding of fresh) findings.set(`${finding.code} ${finding.place?.file}:${finding.place?.line}`, finding);
    },
  });
  const client = new Client(`127.0.0.1:${controlPlane.grpcPort}`, credentials.createInsecure(), { "grpc.enable_http_proxy": 0 });
  t.after(async () => {
    client.close();
    await controlPlane.close();
    rmSync(directory, { recursive: true });
  });
  return { source, write, findings, watcher: new Watcher(client), controlPlane };
}

test("a broken object in the middle of a thousand is refused alone, with its place", async (t) => {
  const names = Array.from({ length: 1_000 }, (_, index) => `web-${index}`);
  const documents = names.map((name, index) => (index === 500 ? service(name, "eighty") : service(name)));
  const { watcher, findings } = await start(t, { "services.yaml": documents.join("---\n") });
  await watcher.until(() => watcher.have.has(cluster("web-999")) && watcher.have.has(cluster("web-0")));
  assert.equal([...watcher.have].filter((name) => name.startsWith("outbound|80||web-")).length, 999);
  const [[key, finding]] = [...findings].filter(([, { level }]) => level === "error") as [[string, Finding]];
  assert.match(key, /services\.yaml:\d+$/u);
  assert.match(finding.message, /eighty/u);
});

test("a folder that comes and goes takes nothing away from anybody, and its changes arrive", async (t) => {
  const { watcher, source, write } = await start(t, { "a.yaml": service("a"), "b.yaml": service("b") });
  await watcher.until(() => watcher.have.has(cluster("a")) && watcher.have.has(cluster("b")));
  for (let round = 0; round < 10; round++) {
    renameSync(source, `${source}.away`);
    renameSync(`${source}.away`, source);
    write("a.yaml", "");
    write("a.yaml", service("a"));
  }
  write("c.yaml", service("c"));
  await watcher.until(() => watcher.have.has(cluster("c")));
  assert.deepEqual(watcher.lost, []);
});

test("a wall clock that jumps delays nothing and changes nobody's age", async (t) => {
  let offsetMs = 0;
  const clock: Clock = { ...realClock, wallMs: () => realClock.wallMs() + offsetMs };
  const { watcher, write } = await start(t, { "a.yaml": service("a") }, clock);
  await watcher.until(() => watcher.have.has(cluster("a")));
  for (const [index, jumpMs] of [3_600_000_000, -7_200_000_000, 0].entries()) {
    offsetMs = jumpMs;
    write("b.yaml", service("b", 81 + index));
    await watcher.until(() => watcher.have.has(cluster("b", 81 + index)));
  }
  assert.ok(watcher.have.has(cluster("a")));
  assert.ok(!watcher.lost.includes(cluster("a")));
});
