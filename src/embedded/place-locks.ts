// Keeps two meshes that start at the same moment from choosing the same address or port. Whether a TCP port is free says nothing of a
// mesh that has chosen it and binds it a moment later, so a mesh holds the UDP port of that number while it owns the place: the kernel
// gives it to one process alone, and takes it back however that process ends.
import { createSocket } from "node:dgram";
import type { Socket } from "node:dgram";

export class PlaceLocks {
  readonly #held = new Map<string, Socket>();

  /** False: another mesh, or this one, has the place. */
  lock(address: string, port: number): Promise<boolean> {
    const key = `${address} ${port}`;
    if (this.#held.has(key)) return Promise.resolve(false);
    return new Promise((resolve) => {
      const socket = createSocket({ type: "udp4" });
      socket.once("error", (error: NodeJS.ErrnoException) => {
        socket.close();
        // Where UDP cannot be used at all, the look at the TCP port has to do.
        resolve(error.code !== "EADDRINUSE");
      });
      socket.bind({ address, port, exclusive: true }, () => {
        socket.unref();
        this.#held.set(key, socket);
        resolve(true);
      });
    });
  }

  release(address: string, port: number): void {
    const key = `${address} ${port}`;
    this.#held.get(key)?.close();
    this.#held.delete(key);
  }

  close(): void {
    for (const socket of this.#held.values()) socket.close();
    this.#held.clear();
  }
}
