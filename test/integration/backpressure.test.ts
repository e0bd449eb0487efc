// Peers that do not read: what the proxy holds of a stream whose end nobody takes is bounded by its buffers, whatever the protocol, and all
// of it arrives when they read again. What it holds is what one side got rid of, less what the other has and what the kernel's queues have.
// Runs alone: it fills the buffers of the system.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, connect } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { after, before, describe, test } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { GET, headers as headersFrame, hello, settings, windowUpdate } from "#proxy/codec/http2/frames.fake";
import { startLoneProxy } from "../harness/lone-proxy.ts";
import type { LoneProxy } from "../harness/lone-proxy.ts";
import { eventually } from "../harness/mesh.ts";
import { FakeAuthority } from "#proxy/net/certificates.fake";

const MEGABYTE = 1 << 20;
const GIGABYTE = 1 << 30;
const BLOCK = Buffer.alloc(MEGABYTE, "x");
/** Both connections' watermarks and what one read brings beyond each; Envoy's default for one of them is a megabyte. */
const MOST_HELD_BYTES = MEGABYTE;
const MOST_GROWTH_MB = 100;
const STUCK_MS = 300;

const UPGRADE = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

interface Protocol {
  readonly name: string;
  readonly proxy: "plain" | "tls" | "tcp";
  /** How much goes through. */
  readonly bytes: number;
  /** What the client says first, and what the host answers before the stream begins. */
  readonly opening: string | Buffer;
  readonly answer: string;
  /** The opening of a request whose body is the stream. */
  readonly upload?: string;
  /** Frames around the bytes: the client counts more than the host said. */
  readonly framed?: boolean;
}

const length = (bytes: number): string => `HTTP/1.1 200 OK\r\nContent-Length: ${bytes}\r\n\r\n`;
const upload = (bytes: number): string => `POST /up HTTP/1.1\r\nHost: a.example\r\nContent-Length: ${bytes}\r\n\r\n`;
const get = (more = ""): string => `GET /down HTTP/1.1\r\nHost: a.example\r\n${more}\r\n`;
const SWITCHED = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const QUARTER = GIGABYTE / 4;
/** The client's windows do not bound it: its reading does. */
const WIDE = Buffer.concat([hello(), settings([4, 0x7fff_ffff]), windowUpdate(0, 0x7fff_0000), headersFrame(1, GET)]);

const PROTOCOLS: readonly Protocol[] = [
  { name: "HTTP/1", proxy: "plain", bytes: GIGABYTE, opening: get(), answer: length(GIGABYTE), upload: upload(GIGABYTE) },
  { name: "HTTP/1 over TLS", proxy: "tls", bytes: QUARTER, opening: get(), answer: length(QUARTER), upload: upload(QUARTER) },
  { name: "WebSocket", proxy: "plain", bytes: QUARTER, opening: get(UPGRADE), answer: SWITCHED, upload: get(UPGRADE) },
  { name: "TCP", proxy: "tcp", bytes: QUARTER, opening: "hello", answer: "welcome", upload: "hello" },
  { name: "HTTP/2", proxy: "plain", bytes: QUARTER, opening: WIDE, answer: length(QUARTER), framed: true },
];

const proxies: Partial<Record<Protocol["proxy"], LoneProxy>> = {};
const accepted: Socket[] = [];
const host = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on("error", () => {});
  accepted.push(socket);
});

before(async () => {
  host.listen(0, "127.0.0.1", 8192);
  await once(host, "listening");
  const { certificate, key } = new FakeAuthority().issue({ hosts: ["localhost"] });
  const transportSocket: JsonObject = {
    name: "envoy.transport_sockets.tls",
    typedConfig: {
      "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
      commonTlsContext: { tlsCertificates: [{ certificateChain: { inlineString: certificate }, privateKey: { inlineString: key } }] },
    },
  };
  // Memory is measured: received bytes are not copied as elsewhere.
  const options = { backendPort: (host.address() as AddressInfo).port, poison: false, cluster: { connectTimeout: "60s" } };
  proxies.plain = await startLoneProxy("mizzen", options);
  proxies.tls = await startLoneProxy("mizzen", { ...options, transportSocket });
  proxies.tcp = await startLoneProxy("mizzen", { ...options, tcpProxy: {} });
});

after(async () => {
  await Promise.all(Object.values(proxies).map((proxy) => proxy.stop()));
  for (const socket of accepted) socket.destroy();
  host.close();
});

/** The bytes in the kernel's queues of the connection whose ends have these ports, and of its other end. */
function queued(near: number, far: number): number {
  const text = (port: number): string => port.toString(16).toUpperCase().padStart(4, "0");
  let bytes = 0;
  for (const line of readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1)) {
    const [, local = "", remote = "", , queues = ""] = line.trim().split(/\s+/);
    const ports = [local.split(":")[1], remote.split(":")[1]];
    if (!ports.includes(text(near)) || !ports.includes(text(far))) continue;
    const [sent = "0", received = "0"] = queues.split(":");
    // What is not acknowledged yet is counted at both ends, so that the proxy may seem to hold less than nothing.
    bytes += Number.parseInt(sent, 16) + Number.parseInt(received, 16);
  }
  return bytes;
}

interface Ends {
  readonly proxy: LoneProxy;
  /** What the client reads and writes, and the TCP connection below it. */
  readonly client: Socket;
  readonly clientTcp: Socket;
  readonly host: Socket;
}

async function open({ proxy: which }: Protocol, opening: string | Buffer): Promise<Ends> {
  const proxy = proxies[which]!;
  const before = accepted.length;
  const clientTcp = connect({ port: proxy.port, host: "127.0.0.1", allowHalfOpen: true });
  clientTcp.on("error", () => {});
  await once(clientTcp, "connect");
  const client = which === "tls" ? connectTls({ socket: clientTcp, rejectUnauthorized: false }) : clientTcp;
  if (which === "tls") await once(client, "secureConnect");
  client.on("error", () => {});
  client.pause();
  client.write(opening);
  const socket = await eventually("the host is asked", 5_000, () => accepted[before]);
  await once(socket, "data");
  socket.pause();
  return { proxy, client, clientTcp, host: socket };
}

/** Writes until all is said; a side that is not read from makes it wait. */
function say(socket: Socket, bytes: number): { said: () => number } {
  let left = bytes;
  const pump = (): void => {
    while (left > 0 && !socket.destroyed) {
      const piece = left >= BLOCK.length ? BLOCK : BLOCK.subarray(0, left);
      left -= piece.length;
      if (!socket.write(piece)) return void socket.once("drain", pump);
    }
  };
  pump();
  return { said: () => bytes - left };
}

async function stuck(socket: Socket): Promise<void> {
  let before = -1;
  await eventually("nothing moves", 30_000, async () => {
    const now = socket.bytesWritten - socket.writableLength;
    const still = socket.writableLength > 0 && now === before;
    before = now;
    if (!still) await new Promise((done) => setTimeout(done, STUCK_MS));
    return still;
  });
}

/** Between `from`, which says, and `to`, which does not read. */
function held(from: Socket, to: Socket, proxyPort: number, hostPort: number, clientTcp: Socket, hostSocket: Socket): number {
  const handle = (from as Socket & { readonly _handle?: { readonly writeQueueSize?: number } })._handle;
  const inProcess = Math.max(from.writableLength, handle?.writeQueueSize ?? 0);
  const left = from.bytesWritten - inProcess;
  const kernel = queued(clientTcp.localPort ?? 0, proxyPort) + queued(hostSocket.remotePort ?? 0, hostPort);
  return left - to.bytesRead - kernel;
}

for (const protocol of PROTOCOLS.filter(({ upload, answer, proxy }) => upload !== undefined && proxy !== "tcp" && answer !== SWITCHED)) {
  test(`${protocol.name}: a client that resets while its host takes no more is gone for its host, too`, { timeout: 60_000 }, async () => {
    const { proxy, client, clientTcp, host: hostSocket } = await open(protocol, protocol.upload!);
    say(client, protocol.bytes);
    await stuck(client);
    clientTcp.resetAndDestroy();
    await eventually("the request is over", 5_000, async () => (await proxy.busy()).length === 0);
    // Only now it reads, and finds the end.
    hostSocket.resume();
    await eventually("the host sees the end", 5_000, () => hostSocket.readableEnded || hostSocket.destroyed);
    hostSocket.destroy();
  });
}

for (const protocol of PROTOCOLS) {
  describe(protocol.name, () => {
    for (const direction of ["a client that does not read", "a host that does not read"] as const) {
      const uploading = direction === "a host that does not read";
      if (uploading && protocol.upload === undefined) continue;
      test(`${direction} costs no more than buffers, and gets all of it in the end`, { timeout: 120_000 }, async (t) => {
        const { bytes, answer, proxy: which } = protocol;
        const ends = await open(protocol, uploading ? protocol.upload! : protocol.opening);
        const { proxy, client, clientTcp, host: hostSocket } = ends;
        const rssBefore = proxy.rssMb();
        let peak = rssBefore;
        const watch = setInterval(() => (peak = Math.max(peak, proxy.rssMb())), 50);
        try {
          const [from, to] = uploading ? [client, hostSocket] : [hostSocket, client];
          if (!uploading || which === "tcp" || answer === SWITCHED) hostSocket.write(answer);
          if (uploading && answer === SWITCHED) {
            client.resume();
            await once(client, "data");
            client.pause();
          }
          const start = to.bytesRead;
          const voice = say(from, bytes);
          await stuck(from);
          const hostPort = (host.address() as AddressInfo).port;
          const bytesHeld = held(
            uploading ? clientTcp : hostSocket,
            uploading ? hostSocket : clientTcp,
            proxy.port,
            hostPort,
            clientTcp,
            hostSocket,
          );
          t.diagnostic(`${voice.said()} said, ${bytesHeld} held`);
          assert.ok(voice.said() < bytes, "somebody waits");
          assert.ok(bytesHeld < MOST_HELD_BYTES, `${bytesHeld} bytes are held`);
          let read = 0;
          to.on("data", (chunk: Buffer) => (read += chunk.length));
          to.resume();
          // Heads and frames come on top.
          await eventually("all of it is there", 90_000, () => read >= bytes);
          assert.ok(protocol.framed === true || read - bytes < 1000, `${read - bytes} bytes more than were said, ${start} before`);
          t.diagnostic(`memory: ${rssBefore.toFixed(0)} to ${peak.toFixed(0)} MB`);
          assert.ok(peak - rssBefore < MOST_GROWTH_MB, `memory grew from ${rssBefore.toFixed(0)} to ${peak.toFixed(0)} MB`);
        } finally {
          clearInterval(watch);
          client.destroy();
          hostSocket.destroy();
        }
        await eventually("the proxy is at rest", 5_000, async () => (await proxy.busy()).length === 0);
      });
    }
  });
}

test("5,000 connections that come at once are served, and leave nothing", { timeout: 120_000 }, async (t) => {
  const proxy = proxies.plain!;
  const descriptors = proxy.descriptors();
  const rssBefore = proxy.rssMb();
  const count = 5_000;
  // One host connection serves many: the crowd is at the front.
  const serve = (socket: Socket): void => {
    socket.on("data", (chunk: Buffer) => {
      const heads = chunk.toString("latin1").split("\r\n\r\n").length - 1;
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".repeat(heads));
    });
  };
  host.on("connection", serve);
  const started = performance.now();
  const crowd = Array.from({ length: count }, () => {
    const socket = connect({ port: proxy.port, host: "127.0.0.1" }, () => socket.write(get()));
    const answered = new Promise<string>((done, fail) => {
      socket.once("data", (chunk: Buffer) => done(chunk.toString("latin1")));
      socket.once("error", fail);
    });
    return { socket, answered };
  });
  try {
    for (const answer of await Promise.all(crowd.map(({ answered }) => answered))) assert.match(answer, /^HTTP\/1\.1 200 OK/);
    const took = performance.now() - started;
    t.diagnostic(`answered within ${took.toFixed(0)} ms, memory grew by ${(proxy.rssMb() - rssBefore).toFixed(0)} MB`);
    assert.equal([...(await proxy.stats(/^http\.lone\.downstream_cx_active$/)).values()][0], count);
    assert.ok(proxy.rssMb() - rssBefore < 250, `memory grew by ${(proxy.rssMb() - rssBefore).toFixed(0)} MB`);
  } finally {
    for (const { socket } of crowd) socket.destroy();
    host.off("connection", serve);
    for (const socket of accepted.splice(0)) socket.destroy();
  }
  await eventually("the proxy is at rest", 10_000, async () => (await proxy.busy()).length === 0);
  await eventually("the descriptors are given back", 5_000, () => proxy.descriptors() <= descriptors);
});
