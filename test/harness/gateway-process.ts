// A gateway of our own beside control planes that a test starts itself.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bootstrap, gatewayMetadata, type ProxyIdentity } from "#agent/bootstrap";
import { freePort } from "./free-port.ts";
import { ROOT } from "./mesh.ts";
import { Program } from "./program.ts";

export interface GatewayProcess extends AsyncDisposable {
  readonly adminPort: number;
  readonly output: string;
}

/** Gateways select it by `istio: NAME`; it listens where they say. */
export async function startGateway(name: string, controlPlanePorts: readonly number[]): Promise<GatewayProcess> {
  const folder = mkdtempSync(join(tmpdir(), "gateway-"));
  const adminPort = await freePort();
  const identity: ProxyIdentity = {
    type: "router",
    name,
    namespace: "istio-system",
    address: "127.0.0.1",
    labels: { app: "istio-ingressgateway", istio: name },
    serviceAccount: "istio-ingressgateway-service-account",
    workload: "istio-ingressgateway",
    version: "test",
  };
  const document = bootstrap({
    identity,
    metadata: gatewayMetadata(identity, ["127.0.0.1"]),
    admin: { address: "127.0.0.1", port: adminPort },
    controlPlanes: controlPlanePorts.map((port) => ({ address: "127.0.0.1", port })),
  });
  const file = join(folder, "bootstrap.json");
  writeFileSync(file, JSON.stringify(document));
  const program = new Program([join(ROOT, "bench/data-plane-process.ts"), file]);
  return {
    adminPort,
    get output() {
      return program.output;
    },
    async [Symbol.asyncDispose]() {
      await program.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
