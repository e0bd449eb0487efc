// Addresses of sockets as text. A pipe is a SocketAddress whose address is the path of a unix socket (absolute, or "@" and a name that is no
// file) and whose port is 0; the side of a unix connection that has no name has an empty one.
import type { SocketAddress } from "./connection.ts";

export function isPipe({ address }: SocketAddress): boolean {
  return address === "" || address.startsWith("/") || address.startsWith("@");
}

/** As Envoy prints it: `10.0.0.1:80`, `[fd00::1]:80`, a path. */
export function addressText(socket: SocketAddress): string {
  const { address, port } = socket;
  if (isPipe(socket)) return address;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** What is wrong with the path of a pipe. */
export function pipePathFault(path: string): string | undefined {
  if (!path.startsWith("/") && !path.startsWith("@")) return `"${path}" must be an absolute path, or "@" and a name`;
  // sun_path, with the NUL that ends it; macOS has four bytes less.
  return Buffer.byteLength(path) > 103 ? `"${path}" is longer than 103 bytes` : undefined;
}
