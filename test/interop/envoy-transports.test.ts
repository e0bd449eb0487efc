// Real Envoy as a gateway of our control plane, in both forms of the protocol: it takes everything, follows changes without a refusal, and
// drops what is gone.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { gatewayMetadata, type ProxyIdentity } from "#agent/bootstrap";
import { ADMIN_PORT } from "#agent/instance-address";
import { freeAddress } from "../harness/free-address.ts";
import { startLoneControlPlane } from "../harness/lone-control-plane.ts";
import { call, eventually } from "../harness/mesh.ts";
import { startEnvoy } from "./envoy.ts";

const GATEWAY_PORT = 8080;
const LIVE_MS = 30_000;

/** `body`: answered by the gateway itself for /direct; undefined for no such route. */
function objects(backendPort: number, body: string | undefined): string {
  const direct =
    body === undefined
      ? ""
      : `
  - match: [{ uri: { prefix: /direct } }]
    directResponse: { status: 200, body: { string: ${body} } }`;
  return `
apiVersion: v1
kind: Service
metadata: { name: web, namespace: default }
spec: { clusterIP: 10.96.0.50, selector: { app: web }, ports: [{ name: http, port: 80 }] }
---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: { name: web, namespace: default }
spec: { address: 127.0.0.1, ports: { http: ${backendPort} }, labels: { app: web } }
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: all, namespace: default }
spec: { selector: { istio: ingressgateway }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*"] }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: web, namespace: default }
spec:
  hosts: ["*"]
  gateways: [all]
  http:${direct}
  - route: [{ destination: { host: web } }]
`;
}

for (const transport of ["GRPC", "DELTA_GRPC"] as const) {
  test(`Envoy follows our control plane by ${transport === "GRPC" ? "state of the world" : "delta"}`, async (t) => {
    const backend = createServer((_, response) => response.end("from the back end"));
    await new Promise<void>((done) => backend.listen(0, "127.0.0.1", done));
    t.after(() => backend.close());
    const backendPort = (backend.address() as AddressInfo).port;
    const mesh = await startLoneControlPlane(objects(backendPort, "one"));
    t.after(() => mesh.close());
    const address = await freeAddress([ADMIN_PORT, GATEWAY_PORT]);
    const identity: ProxyIdentity = {
      type: "router",
      name: "gateway-1",
      namespace: "istio-system",
      address,
      labels: { app: "istio-ingressgateway", istio: "ingressgateway" },
      serviceAccount: "gateway",
      workload: "gateway",
      version: "0.0.0",
    };
    const controlPlane = { address: "127.0.0.1", port: mesh.controlPlane.grpcPort };
    const admin = { address, port: ADMIN_PORT };
    const envoy = await startEnvoy(
      { identity, metadata: gatewayMetadata(identity, [address]), admin, controlPlanes: [controlPlane] },
      transport,
    );
    t.after(() => envoy.stop());
    const answers = (path: string, body: string): Promise<true> =>
      eventually(`${path} answers ${body}`, LIVE_MS, async () =>
        (await call(`http://${address}:${GATEWAY_PORT}${path}`)).body === body ? true : undefined,
      );
    await answers("/direct", "one");
    await answers("/other", "from the back end");
    mesh.write(objects(backendPort, "two"));
    await answers("/direct", "two");
    mesh.write(objects(backendPort, undefined));
    await answers("/direct", "from the back end");
    await mesh.controlPlane.whenSynced();
    const rejected = [...(await envoy.stats("update_rejected$"))].filter(([, count]) => count > 0);
    assert.deepEqual(rejected, []);
  });
}
