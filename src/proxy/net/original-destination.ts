// Where a connection went before iptables redirected it here (Linux; nothing elsewhere).
import { platform } from "node:process";
import koffi from "koffi";
import { ipText } from "#proxy/codec/ip-address";
import type { SocketAddress } from "./connection.ts";

// <netinet/in.h>, <linux/netfilter_ipv4.h>, <linux/netfilter_ipv6/ip6_tables.h>
const SOL_IP = 0;
const SOL_IPV6 = 41;
const SO_ORIGINAL_DST = 80;
const AF_INET6 = 10;

type GetSocketOption = (fd: number, level: number, name: number, value: Uint8Array, length: Uint8Array) => number;

let getsockopt: GetSocketOption | undefined;

/** Undefined: nobody redirected the connection. `v6`: the socket's family. */
export function originalDestination(fd: number, v6: boolean): SocketAddress | undefined {
  if (platform !== "linux" || fd < 0) return undefined;
  getsockopt ??= koffi.load("libc.so.6").func("int getsockopt(int, int, int, _Out_ void *, _Inout_ void *)") as GetSocketOption;
  const address = new Uint8Array(28);
  const length = new Uint8Array(new Uint32Array([address.length]).buffer);
  if (getsockopt(fd, v6 ? SOL_IPV6 : SOL_IP, SO_ORIGINAL_DST, address, length) !== 0) return undefined;
  const [family = 0, , high = 0, low = 0] = address;
  const bytes = family === AF_INET6 ? address.subarray(8, 24) : address.subarray(4, 8);
  return { address: ipText(bytes), port: (high << 8) | low };
}
