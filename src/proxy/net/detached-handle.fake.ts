// The handle below a socket of node:net, for tests that make their connections with it.
import type { Socket } from "node:net";
import type { StreamHandle } from "./stream-handle.ts";

/** The socket is of no use after this; it must be paused, so that nothing was read. */
export function detachHandle(socket: Socket): StreamHandle {
  const holder = socket as Socket & { _handle: StreamHandle | null };
  const handle = holder._handle;
  if (handle === null) throw new Error("the socket has no handle");
  handle.readStop();
  holder._handle = null;
  socket.destroy();
  return handle;
}
