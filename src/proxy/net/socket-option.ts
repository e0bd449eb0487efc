// Options of listening sockets, as setsockopt takes them. Linux' numbers: what has a number of its own elsewhere is refused there.
import { platform } from "node:process";

export interface SocketOption {
  readonly level: number;
  readonly name: number;
  readonly value: Uint8Array;
  /** Before bind; else behind it. */
  readonly prebind: boolean;
  /** For whoever reads that it failed. */
  readonly description: string;
}

/** What a listener wants of the socket at one of its addresses. */
export interface ListenOptions {
  readonly options: readonly SocketOption[];
  /** `::` takes IPv4, too. */
  readonly ipv4Compat: boolean;
  /** IPPROTO_MPTCP */
  readonly multipath: boolean;
  /** Of a pipe's file; 0: as the system makes it. */
  readonly mode: number;
}

export const PLAIN_LISTEN_OPTIONS: ListenOptions = { options: [], ipv4Compat: false, multipath: false, mode: 0 };

const SOL_IP = 0;
const SOL_IPV6 = 41;
const SOL_TCP = 6;
const NUMBERS = {
  transparent: { v4: 19, v6: 75, name: "IP_TRANSPARENT" },
  freebind: { v4: 15, v6: 78, name: "IP_FREEBIND" },
} as const;

export const hasLinuxOptions = platform === "linux";

export function int32(value: number): Uint8Array {
  return new Uint8Array(new Int32Array([value]).buffer);
}

/** For connections to addresses that this machine does not have. */
export function addressOption(kind: keyof typeof NUMBERS, v6: boolean): SocketOption {
  const { name, ...numbers } = NUMBERS[kind];
  return { level: v6 ? SOL_IPV6 : SOL_IP, name: v6 ? numbers.v6 : numbers.v4, value: int32(1), prebind: true, description: name };
}

export function fastOpenOption(queueLength: number): SocketOption {
  return { level: SOL_TCP, name: 23, value: int32(queueLength), prebind: false, description: "TCP_FASTOPEN" };
}
