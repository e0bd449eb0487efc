// A port at which connecting takes for ever: its listener is stopped, and the queue of the kernel for it is full.
import { spawn } from "node:child_process";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { eventually } from "./mesh.ts";

export interface StalledListener {
  readonly port: number;
  close(): Promise<void>;
}

const SCRIPT = `const s = require("node:net").createServer(); s.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => console.log(s.address().port))`;
/** On loopback a connection that is not there by then waits for the listener. */
const PENDING_MS = 300;

export async function startStalledListener(): Promise<StalledListener> {
  const child = spawn(process.execPath, ["-e", SCRIPT], { stdio: ["ignore", "pipe", "inherit"] });
  const killNow = (): void => void child.kill("SIGKILL");
  process.on("exit", killNow);
  const port = await new Promise<number>((done) => child.stdout.once("data", (chunk: Buffer) => done(Number(chunk))));
  child.kill("SIGSTOP");
  const fillers: Socket[] = [];
  await eventually("the queue is full", 30_000, async () => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.on("error", () => {});
    fillers.push(socket);
    return new Promise<boolean>((done) => {
      const timer = setTimeout(() => done(true), PENDING_MS);
      socket.on("connect", () => {
        clearTimeout(timer);
        done(false);
      });
    });
  });
  return {
    port,
    async close() {
      for (const socket of fillers) socket.destroy();
      const ended = new Promise((done) => child.on("close", done));
      killNow();
      await ended;
      process.off("exit", killNow);
    },
  };
}
