// The near end of an upstream connection, before it connects: options of its socket, and the address that it is bound to. Options need a
// socket that is there before it is bound, which Node's handles do not have: such a socket is made through the C library and handed over.
import { isIPv6 } from "node:net";
import { getSystemErrorName } from "node:util";
import type { SocketAddress, TransportFailure } from "./connection.ts";
import type { ConnectSource } from "./connector.ts";
import { closeDescriptor, errnoName, newSocket, setSocketOption } from "./listen-socket.ts";
import { addressText, isPipe } from "./socket-address.ts";
import { isTcp } from "./stream-handle.ts";
import type { StreamHandle, TcpHandle } from "./stream-handle.ts";
import { meaningOf } from "./transport-failure.ts";

/** Undefined: all went well. */
export function beginAt(handle: StreamHandle, target: SocketAddress, { address, options }: ConnectSource): TransportFailure | undefined {
  if (options.length > 0) {
    const fd = newSocket(isPipe(target) ? "pipe" : isIPv6(target.address) ? "v6" : "v4");
    if (fd < 0) return { kind: "local", detail: `socket: ${meaningOf(errnoName())}` };
    const refused = options.find((option) => !setSocketOption(fd, option));
    if (refused !== undefined) {
      const detail = `socket option ${refused.description}: ${meaningOf(errnoName())}`;
      closeDescriptor(fd);
      return { kind: "local", detail };
    }
    const opened = handle.open(fd);
    if (opened !== 0) {
      closeDescriptor(fd);
      return { kind: "local", detail: `socket: ${meaningOf(getSystemErrorName(opened))}` };
    }
  }
  if (address === undefined || !isTcp(handle)) return undefined;
  const code = bind(handle, address, isIPv6(target.address));
  if (code === undefined) return undefined;
  return { kind: "local", detail: `failed to bind to ${addressText({ address, port: 0 })}: ${meaningOf(code)}` };
}

/** A handle would become one of the address' family, and fail to connect only then. */
function bind(handle: TcpHandle, address: string, v6: boolean): string | undefined {
  if (isIPv6(address) !== v6) return "EAFNOSUPPORT";
  const bound = v6 ? handle.bind6(address, 0, 0) : handle.bind(address, 0);
  return bound === 0 ? undefined : getSystemErrorName(bound);
}
