// Messages of 1 KB on several WebSocket connections, one at a time on each: `web-socket-process.ts PORT CONNECTIONS SECONDS`. Prints
// what came of it as JSON.
import { connect } from "node:net";
import { randomBytes } from "node:crypto";
import { clientFrame, takeFrames } from "./web-socket-frame.ts";
import { quantile } from "./quantile.ts";

const [port, connections, seconds] = process.argv.slice(2).map(Number) as [number, number, number];
const payload = randomBytes(1024);
const frame = clientFrame(payload, randomBytes(4));
const latencies: number[] = [];
let errors = 0;
let running = true;

function converse(): Promise<void> {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1");
    socket.setNoDelay(true);
    let rest: Buffer = Buffer.alloc(0);
    let open = false;
    let sentMs = 0;
    const send = (): void => {
      sentMs = performance.now();
      socket.write(frame);
    };
    const key = randomBytes(16).toString("base64");
    socket.write(
      `GET / HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
    );
    socket.on("data", (chunk: Buffer) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      if (!open) {
        const end = rest.indexOf("\r\n\r\n");
        if (end < 0) return;
        if (!rest.toString("latin1", 0, 12).endsWith(" 101")) errors++;
        open = true;
        rest = rest.subarray(end + 4);
        send();
        return;
      }
      const { frames, left } = takeFrames(rest);
      rest = left;
      for (const { payload: echo } of frames) {
        latencies.push(performance.now() - sentMs);
        if (!echo.equals(payload)) errors++;
        if (running) send();
        else socket.destroy();
      }
    });
    socket.on("error", () => errors++);
    socket.on("close", () => {
      if (running) errors++;
      done();
    });
  });
}

const all = Array.from({ length: connections }, () => converse());
setTimeout(() => (running = false), seconds * 1000);
await Promise.all(all);
const sorted = Float64Array.from(latencies).sort();
console.log(JSON.stringify({ answered: sorted.length, errors, p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99) }));
