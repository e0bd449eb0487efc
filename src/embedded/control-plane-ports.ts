// The control plane's ports are chosen once, before it starts: proxies keep them in their bootstrap, so a restarted control plane must
// come back on the same ones.
import { freePort, isFree } from "#agent/instance-address";
import type { PlaceLocks } from "./place-locks.ts";

export const DEFAULT_GRPC_PORT = 15010;
export const DEFAULT_HTTP_PORT = 15014;
export const DEFAULT_API_PORT = 15019;

export async function choosePort(wanted: number, locks: PlaceLocks): Promise<number> {
  if ((await locks.lock("127.0.0.1", wanted)) && (await isFree("127.0.0.1", wanted))) return wanted;
  for (;;) {
    const port = await freePort();
    if (await locks.lock("127.0.0.1", port)) return port;
  }
}
