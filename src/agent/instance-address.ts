// Where one instance of a workload lives: its sidecar's address and ports, and the ports of the application behind it.
import { createServer } from "node:net";
import type { InboundPort } from "./bootstrap.ts";
import type { WorkloadPort } from "./workload-spec.ts";

export const HTTP_PROXY_PORT = 15001;
export const ADMIN_PORT = 15000;

export interface InstanceAddress {
  readonly address: string;
  readonly adminPort: number;
  readonly httpProxyPort: number;
  readonly inbound: readonly InboundPort[];
}

/** True when nobody listens on `address:port` and this machine has that address. */
export function isFree(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host: address, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** A port that was free a moment ago. @throws Error when the machine has none left */
export function freePort(address = "127.0.0.1"): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ host: address, port: 0, exclusive: true }, () => {
      const bound = server.address();
      const port = bound !== null && typeof bound === "object" ? bound.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/**
 * Ports of the application for each of the workload's ports. `preferred` is taken for the first one when it is free: for programs
 * that do not read PORT.
 */
export async function applicationPorts(ports: readonly WorkloadPort[], preferred: number | undefined): Promise<readonly number[]> {
  const chosen: number[] = [];
  for (const [index] of ports.entries()) {
    if (index === 0 && preferred !== undefined && (await isFree("127.0.0.1", preferred))) chosen.push(preferred);
    else {
      let port = await freePort();
      while (chosen.includes(port)) port = await freePort();
      chosen.push(port);
    }
  }
  return chosen;
}
