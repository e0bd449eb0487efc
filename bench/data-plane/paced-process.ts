// Requests at a fixed rate, whatever the proxy does (an open loop: a pause is seen by every request that falls into it):
// `paced-process.ts PORT RATE SECONDS HOST`. Prints quantiles and the slowest answer of each half second as JSON.
import { connect } from "node:net";
import type { Socket } from "node:net";
import { quantile } from "./quantile.ts";

const [port, rate, seconds] = process.argv.slice(2, 5).map(Number) as [number, number, number];
const request = `GET / HTTP/1.1\r\nHost: ${process.argv[5]}\r\nUser-Agent: bench\r\n\r\n`;
const WINDOW_MS = 500;

interface Client {
  readonly socket: Socket;
  sentMs: number;
  missing: number;
  head: string;
}

const latencies: number[] = [];
const slowestMs: number[] = [];
const free: Client[] = [];
let errors = 0;
let busy = 0;
let startedMs = performance.now();

function dial(): Client {
  const socket = connect(port, "127.0.0.1");
  socket.setNoDelay(true);
  const client: Client = { socket, sentMs: 0, missing: 0, head: "" };
  socket.on("data", (chunk: Buffer) => {
    if (client.missing > 0) client.missing -= chunk.length;
    else {
      client.head += chunk.toString("latin1");
      const end = client.head.indexOf("\r\n\r\n");
      if (end < 0) return;
      if (!client.head.startsWith("HTTP/1.1 200")) errors++;
      client.missing = end + 4 + Number(/\r\ncontent-length: (\d+)/i.exec(client.head)?.[1] ?? 0) - client.head.length;
      client.head = "";
    }
    if (client.missing <= 0) answered(client);
  });
  socket.on("error", () => errors++);
  return client;
}

function answered(client: Client): void {
  const now = performance.now();
  const tookMs = now - client.sentMs;
  const window = Math.floor((client.sentMs - startedMs) / WINDOW_MS);
  latencies.push(tookMs);
  slowestMs[window] = Math.max(slowestMs[window] ?? 0, tookMs);
  busy--;
  free.push(client);
}

function send(): void {
  const client = free.pop() ?? dial();
  client.sentMs = performance.now();
  busy++;
  client.socket.write(request);
}

for (let i = 0; i < 32; i++) free.push(dial());
await new Promise((done) => setTimeout(done, 200));
process.send?.("started");
startedMs = performance.now();
let sent = 0;
const timer = setInterval(() => {
  const due = Math.min(seconds, (performance.now() - startedMs) / 1000) * rate;
  while (sent < due) {
    sent++;
    send();
  }
  if (performance.now() - startedMs < seconds * 1000 || (busy > 0 && performance.now() - startedMs < seconds * 1000 + 5000)) return;
  clearInterval(timer);
  const sorted = Float64Array.from(latencies).sort();
  const report = { answered: sorted.length, errors: errors + busy, p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99), slowestMs };
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
}, 1);
