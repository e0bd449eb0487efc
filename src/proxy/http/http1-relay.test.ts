// Server and client side joined without a proxy between: messages cross both codecs unharmed, against node's own HTTP as the judge.
import { describe, it } from "node:test";
import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import type { IncomingMessage } from "node:http";
import { connect, createServer as createTcpServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { realClock } from "#runtime/clock";
import type { Connection } from "#proxy/net/connection";
import { detachHandle } from "#proxy/net/detached-handle.fake";
import { SocketConnection } from "#proxy/net/socket-connection";
import { PlainTransport } from "#proxy/net/transport";
import type { RequestHeaderMap, ResponseHeaderMap, TrailerMap } from "./header-map.ts";
import { Http1ClientConnection } from "./http1-client.ts";
import { Http1ServerConnection } from "./http1-server.ts";
import type { ServerStream } from "./server-codec.ts";
import type { RequestReceiver, RequestSender, ResponseReceiver, StreamResetReason } from "./stream.ts";

/** Passes everything on as it comes; the upstream connection is there already, so that nothing has to be queued. */
class Relay implements RequestReceiver, ResponseReceiver {
  readonly #down: ServerStream;
  readonly #up: RequestSender;
  constructor(down: ServerStream, client: Http1ClientConnection) {
    this.#down = down;
    this.#up = client.newStream(this);
  }
  onRequestHeaders(headers: RequestHeaderMap, endStream: boolean): void {
    this.#up.sendHeaders(headers, endStream);
  }
  onRequestData(chunk: Buffer, endStream: boolean): void {
    if (!this.#up.sendData(chunk, endStream)) this.#down.pauseReading();
  }
  onRequestTrailers(trailers: TrailerMap): void {
    this.#up.sendTrailers(trailers);
  }
  onRequestReset(reason: StreamResetReason): void {
    this.#up.reset(reason);
  }
  onRequestDrain(): void {
    this.#down.resumeReading();
  }
  onInformational(headers: ResponseHeaderMap): void {
    this.#down.sendInformational(headers);
  }
  onResponseHeaders(headers: ResponseHeaderMap, endStream: boolean): void {
    this.#down.sendHeaders(headers, endStream);
  }
  onResponseData(chunk: Buffer, endStream: boolean): void {
    if (!this.#down.sendData(chunk, endStream)) this.#up.pauseReading();
  }
  onResponseTrailers(trailers: TrailerMap): void {
    this.#down.sendTrailers(trailers);
  }
  onResponseReset(reason: StreamResetReason): void {
    this.#down.reset(reason);
  }
  onResponseDrain(): void {
    this.#up.resumeReading();
  }
}

const listen = (server: Server | ReturnType<typeof createServer>): Promise<number> =>
  new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)));

/** A one-connection relay in poison mode in front of `port`. */
async function relayTo(port: number): Promise<{ port: number; close: () => void; faults: unknown[] }> {
  const faults: unknown[] = [];
  const connections: Connection[] = [];
  const connection = (socket: Socket): Connection => {
    const made = new SocketConnection(new PlainTransport(detachHandle(socket)), { clock: realClock, poison: true });
    connections.push(made);
    return made;
  };
  const server = createTcpServer({ pauseOnConnect: true, allowHalfOpen: true }, (downSocket) => {
    const upSocket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    upSocket.once("connect", () => {
      const down = connection(downSocket);
      const client = new Http1ClientConnection(
        connection(upSocket),
        { maxHeadBytes: 61_440, maxHeaders: 100 },
        {
          onStreamDone: () => {},
          onStreamReset: () => {},
          onStreamLimit: () => {},
          onGoAway: () => {},
          onStreamBroken: () => {},
          onProtocolError: () => {},
          onFault: (fault) => faults.push(fault),
          onClosed: () => down.end(),
        },
      );
      void new Http1ServerConnection(
        down,
        { maxHeadBytes: 61_440, maxHeaders: 100, allowAbsoluteUrl: true, scheme: "http", validateScheme: true, proxy100Continue: true },
        {
          newStream: (sender) => new Relay(sender, client),
          onHeadAbandoned: () => {},
          onCodecError: ({ status }) => ({ status, body: "" }),
          onHeadBegun: () => {},
          onIdle: () => {},
          onFault: (fault) => faults.push(fault),
          onClosed: () => client.close(),
        },
      );
    });
  });
  const own = await listen(server);
  return {
    port: own,
    faults,
    close: () => {
      server.close();
      for (const one of connections) one.close("now");
    },
  };
}

async function text(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("latin1");
}

describe("HTTP/1 codecs back to back", () => {
  it("carry bodies of all framings and sizes unharmed, with trailers and backpressure, in poison mode", async () => {
    const upstream = createServer((incoming, outgoing) => {
      void text(incoming).then((body) => {
        const chunked = incoming.headers["transfer-encoding"] === "chunked";
        outgoing.setHeader("X-Case", "kept");
        if (!chunked) outgoing.setHeader("content-length", body.length);
        else outgoing.setHeader("trailer", "x-length");
        outgoing.writeHead(200);
        outgoing.write(Buffer.from(body, "latin1"));
        if (chunked) outgoing.addTrailers({ "x-length": String(body.length) });
        outgoing.end();
      });
    });
    const relay = await relayTo(await listen(upstream));
    const { Agent } = await import("node:http");
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    try {
      for (const size of [0, 1, 1000, 16_384, 16_385, 70_000, 1_000_000]) {
        for (const chunked of [false, true]) {
          const body = Buffer.alloc(size, "abcdefghij").toString("latin1");
          const answer = await new Promise<IncomingMessage>((resolve, reject) => {
            const outgoing = request({ port: relay.port, host: "127.0.0.1", method: "POST", path: "/x", agent }, resolve);
            outgoing.on("error", reject);
            if (!chunked) outgoing.setHeader("content-length", size);
            else outgoing.setHeader("transfer-encoding", "chunked");
            outgoing.end(body, "latin1");
          });
          assert.equal(await text(answer), body, `${size} bytes, ${chunked ? "chunked" : "by length"}`);
          assert.ok(answer.rawHeaders.includes("X-Case"));
          if (chunked) assert.equal(answer.trailers["x-length"], String(size));
        }
      }
      assert.deepEqual(relay.faults, []);
    } finally {
      agent.destroy();
      relay.close();
      upstream.close();
      upstream.closeAllConnections();
    }
  });

  it("carry an upgrade", async () => {
    const upstream = createServer();
    upstream.on("upgrade", (_incoming, socket) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello ");
      socket.pipe(socket);
    });
    const relay = await relayTo(await listen(upstream));
    try {
      const received = await new Promise<string>((resolve, reject) => {
        const outgoing = request({ port: relay.port, host: "127.0.0.1", headers: { connection: "Upgrade", upgrade: "echo" } });
        outgoing.on("error", reject);
        outgoing.on("upgrade", (_answer, socket, head) => {
          let all = head.toString();
          socket.on("data", (chunk) => (all += String(chunk)));
          socket.on("end", () => resolve(all));
          socket.end("mesh");
        });
        outgoing.end();
      });
      assert.equal(received, "hello mesh");
      assert.deepEqual(relay.faults, []);
    } finally {
      relay.close();
      upstream.close();
      upstream.closeAllConnections();
    }
  });
});
