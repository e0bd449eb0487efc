// The control plane's ports are chosen once, before it starts: proxies keep them in their bootstrap, so a restarted control plane must
// come back on the same ones.
import { freePort, isFree } from "#agent/instance-address";

export const DEFAULT_GRPC_PORT = 15010;
export const DEFAULT_HTTP_PORT = 15014;

export async function choosePort(wanted: number): Promise<number> {
  return (await isFree("127.0.0.1", wanted)) ? wanted : freePort();
}
