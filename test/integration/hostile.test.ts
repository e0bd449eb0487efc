// Peers that break off, dawdle, flood and lie, against a real data plane on real sockets. It must keep every byte apart, hold no more
// memory than its limits say, and be at rest when they are gone.
// Runs alone: it holds thousands of peers against times and memory.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { Agent, createServer as createHttpServer, request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { test } from "node:test";
import { startLoneProxy } from "../harness/lone-proxy.ts";
import type { LoneProxy } from "../harness/lone-proxy.ts";
import { eventually } from "../harness/mesh.ts";

const MEGABYTE = 1 << 20;

async function listen(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", 4096, done));
  return (server.address() as AddressInfo).port;
}

/** Everything until the proxy closes or `quietMs` pass without a byte. */
function exchange(port: number, bytes: string, quietMs = 500): Promise<{ text: string; ended: string }> {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(Buffer.from(bytes, "latin1")));
    let text = "";
    let over = false;
    const finish = (ended: string): void => {
      if (over) return;
      over = true;
      socket.destroy();
      done({ text, ended });
    };
    socket.setTimeout(quietMs, () => finish("open"));
    socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
    socket.on("end", () => finish("end"));
    socket.on("error", (error: NodeJS.ErrnoException) => finish(error.code ?? "error"));
  });
}

function get(path: string, ...lines: readonly string[]): string {
  return [`GET ${path} HTTP/1.1`, "Host: a.example", ...lines, "", ""].join("\r\n");
}

const HEAD = /^(\w+) (\/[^ ]*) [^\r]*\r\n((?:[^\r]+\r\n)*)\r\n/;

/** A back end over bare sockets: `answer` gets each request's path as soon as its head is there, and whatever comes behind. */
async function rawBackend(
  answer: (path: string, socket: Socket, rest: string) => void,
): Promise<{ port: number; close: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    let text = "";
    const onData = (chunk: Buffer): void => {
      text += chunk.toString("latin1");
      for (let match = HEAD.exec(text); match !== null; match = HEAD.exec(text)) {
        text = text.slice(match[0].length);
        const before = socket.listenerCount("data");
        answer(match[2] ?? "/", socket, text);
        // Whoever takes the socket over reads it from here on.
        if (socket.listenerCount("data") > before) return void socket.off("data", onData);
      }
    };
    socket.on("data", onData);
  });
  const port = await listen(server);
  return {
    port,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Nothing is being worked on, but for idle connections to the back end. */
async function assertAtRest(proxy: LoneProxy): Promise<void> {
  let left: readonly string[] = [];
  await eventually("the proxy is at rest", 5_000, async () => {
    left = (await proxy.busy()).filter((line) => !line.includes("upstream_cx_active"));
    return left.length === 0 ? true : undefined;
  }).catch((error: unknown) => {
    throw new Error(`still busy: ${left.join(", ")}\n${proxy.output()}`, { cause: error });
  });
  assert.equal((await proxy.stats(/internal_error/)).values().next().value ?? 0, 0, proxy.output());
}

test("no byte of one request reaches another, whatever the load is made of", { timeout: 120_000 }, async () => {
  const failed = new Set<string>();
  const backend = createHttpServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("error", () => {});
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const key = String(request.headers["x-key"]);
      if (request.url?.startsWith("/retry/") === true && !failed.has(key)) {
        failed.add(key);
        response.writeHead(503).end("not yet");
        return;
      }
      const body = Buffer.concat(chunks);
      const hash = createHash("sha1").update(body).digest("hex");
      response.setHeader("x-key", key);
      response.setHeader("x-hash", hash);
      response.setHeader("x-got-trailer", request.trailers["x-end"] ?? "");
      if (request.headers["x-chunked"] === undefined) {
        response.setHeader("content-length", body.length);
        response.end(body);
        return;
      }
      response.setHeader("trailer", "x-end");
      for (let at = 0; at < body.length; at += 10_007) response.write(body.subarray(at, at + 10_007));
      response.addTrailers({ "x-end": key });
      response.end();
    });
  });
  const proxy = await startLoneProxy("mizzen", { backendPort: await listen(backend) });
  const agent = new Agent({ keepAlive: true, maxSockets: 24 });
  const pool = randomBytes(2 * MEGABYTE);
  let requests = 0;
  const one = (index: number): Promise<void> =>
    new Promise((done, fail) => {
      const size = [0, 1, 17, 1000, 16_384, 65_536, 300_000, MEGABYTE][index % 8] ?? 0;
      const start = (index * 7919) % MEGABYTE;
      const body = pool.subarray(start, start + size);
      const key = `k${index}`;
      const chunked = index % 3 === 0 && size > 0;
      const answerChunked = index % 2 === 0;
      const path = index % 5 === 0 ? "/retry/x" : "/x";
      const headers: Record<string, string | number> = {
        host: "a.example",
        "x-key": key,
        ...(answerChunked ? { "x-chunked": "1" } : {}),
        ...(chunked ? { "transfer-encoding": "chunked", trailer: "x-end" } : { "content-length": size }),
      };
      const request = httpRequest({ port: proxy.port, host: "127.0.0.1", method: size === 0 ? "GET" : "POST", path, headers, agent });
      request.on("error", fail);
      request.on("response", (response: IncomingMessage) => {
        const got: Buffer[] = [];
        response.on("data", (chunk: Buffer) => got.push(chunk));
        response.on("error", fail);
        response.on("end", () => {
          requests++;
          try {
            assert.equal(response.statusCode, 200, `${key} of ${size} bytes`);
            assert.equal(response.headers["x-key"], key);
            assert.ok(Buffer.concat(got).equals(body), `${key}: the body of ${size} bytes came back whole`);
            if (answerChunked) assert.equal(response.trailers["x-end"], key);
            if (chunked) assert.equal(response.headers["x-got-trailer"], key);
            done();
          } catch (error) {
            fail(error as Error);
          }
        });
      });
      if (!chunked) return void request.end(body);
      for (let at = 0; at < size; at += 9973) request.write(body.subarray(at, at + 9973));
      request.addTrailers({ "x-end": key });
      request.end();
    });
  const pipelined = async (index: number): Promise<void> => {
    const keys = Array.from({ length: 8 }, (_, i) => `p${index}-${i}`);
    const bytes = keys.map((key) => `POST /x HTTP/1.1\r\nHost: a\r\nX-Key: ${key}\r\nContent-Length: ${key.length}\r\n\r\n${key}`).join("");
    const { text } = await exchange(proxy.port, `${bytes}${get("/x", "X-Key: last", "Connection: close")}`, 5000);
    const seen = [...text.matchAll(/x-key: ([^\r]+)\r\n[^]*?\r\n\r\n([^H]*)/gi)].map(([, key, body]) => [key, body]);
    assert.deepEqual(seen, [...keys.map((key) => [key, key]), ["last", ""]]);
  };
  try {
    let next = 0;
    await Promise.all(
      Array.from({ length: 24 }, async () => {
        while (next < 1200) await one(next++);
      }).concat(Array.from({ length: 40 }, (_, index) => pipelined(index))),
    );
    assert.equal(requests, 1200);
    agent.destroy();
    await assertAtRest(proxy);
  } finally {
    agent.destroy();
    await proxy.stop();
    backend.closeAllConnections();
    backend.close();
  }
});

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** Path to bytes of the back end, how it ends its connection then, and what the client gets. */
const RESPONSES: Readonly<Record<string, readonly [string, "open" | "close" | "reset", RegExp]>> = {
  "two-framings": [
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "open",
    /^HTTP\/1\.1 502 /,
  ],
  "two-lengths": ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!", "open", /^HTTP\/1\.1 502 /],
  "bad-length": ["HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\nok", "open", /^HTTP\/1\.1 502 /],
  "unknown-coding": ["HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "open", /^HTTP\/1\.1 502 /],
  "204-with-a-body": ["HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok", "open", /^HTTP\/1\.1 502 /],
  "bare-lf": ["HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "open", /^HTTP\/1\.1 502 /],
  nul: ["HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\nok", "open", /^HTTP\/1\.1 502 /],
  "split-header": ["HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: x\r\nContent-Length: 2\r\n\r\nok", "open", /^HTTP\/1\.1 502 /],
  garbage: ["what is this\r\n\r\n", "open", /^HTTP\/1\.1 502 /],
  "huge-head": [`HTTP/1.1 200 OK\r\nX: ${"x".repeat(200_000)}\r\nContent-Length: 2\r\n\r\nok`, "open", /^HTTP\/1\.1 502 /],
  "endless-head": [`HTTP/1.1 200 OK\r\n${"X: 1\r\n".repeat(50_000)}`, "open", /^HTTP\/1\.1 502 /],
  "unasked-101": ["HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nraw", "open", /^HTTP\/1\.1 502 /],
  "endless-103": [
    "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n".repeat(100_000),
    "open",
    /^(?:HTTP\/1\.1 103 Early Hints\r\nlink: a\r\n\r\n){64}HTTP\/1\.1 502 /i,
  ],
  "one-103": [
    `HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n${OK}`,
    "open",
    /^HTTP\/1\.1 103 Early Hints\r\nlink: a\r\n\r\nHTTP\/1\.1 200 OK[^]*ok$/i,
  ],
  nothing: ["", "close", /^HTTP\/1\.1 503 /],
  "nothing-but-a-reset": ["", "reset", /^HTTP\/1\.1 503 /],
  "half-a-head": ["HTTP/1.1 200 OK\r\nContent-Le", "close", /^HTTP\/1\.1 50[23] /],
  "surplus-response": [`${OK}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison`, "open", /^HTTP\/1\.1 200 OK[^]*\r\n\r\nok$/],
  "surplus-bytes": [`${OK}EXTRA`, "open", /^HTTP\/1\.1 200 OK[^]*\r\n\r\nok$/],
  "until-close": ["HTTP/1.1 200 OK\r\n\r\nhello", "close", /chunked\r\n[^]*5\r\nhello\r\n0\r\n\r\n$/],
  "http-1-0": ["HTTP/1.0 200 OK\r\n\r\nhello", "close", /^HTTP\/1\.1 200 OK[^]*5\r\nhello\r\n0\r\n\r\n$/],
};

/** These begin well and break off: whatever the client got must not look whole. */
const BROKEN: Readonly<Record<string, readonly [string, "open" | "close" | "reset"]>> = {
  "short-body": ["HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok", "close"],
  "short-body-reset": ["HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok", "reset"],
  "short-chunk": ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", "close"],
  "no-last-chunk": ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "close"],
  "bad-chunk": ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n", "open"],
  "reset-until-close": ["HTTP/1.1 200 OK\r\n\r\nhello", "reset"],
};

test("a hostile back end", { timeout: 120_000 }, async (t) => {
  const backend = await rawBackend((path, socket) => {
    const [bytes, how] = RESPONSES[path.slice(1)] ?? BROKEN[path.slice(1)] ?? [OK, "open"];
    socket.write(Buffer.from(bytes, "latin1"), () => {
      if (how === "close") socket.end();
      // The reset must not overtake the bytes.
      else if (how === "reset") setTimeout(() => socket.resetAndDestroy(), 20);
    });
  });
  const proxy = await startLoneProxy("mizzen", { backendPort: backend.port });
  try {
    const names = [...Object.keys(RESPONSES), ...Object.keys(BROKEN)];
    const seen = new Map(await Promise.all(names.map(async (name) => [name, await exchange(proxy.port, get(`/${name}`))] as const)));
    for (const [name, [, , expected]] of Object.entries(RESPONSES))
      await t.test(name, () => assert.match(seen.get(name)?.text ?? "", expected));
    for (const name of Object.keys(BROKEN)) {
      await t.test(name, () => {
        const { text = "", ended } = seen.get(name) ?? {};
        assert.match(text, /^HTTP\/1\.1 200 OK/);
        assert.doesNotMatch(text, /\r\n0\r\n/);
        assert.notEqual(ended, "open");
      });
    }
    await t.test("poisons no later response", async () => {
      const answers = await Promise.all(Array.from({ length: 100 }, () => exchange(proxy.port, get("/fine", "Connection: close"))));
      for (const { text } of answers) assert.match(text, /^HTTP\/1\.1 200 OK[^]*\r\n\r\nok$/);
    });
    await assertAtRest(proxy);
  } finally {
    await proxy.stop();
    await backend.close();
  }
});

test("slow readers on either side cost no more memory than the buffers between them", { timeout: 120_000 }, async () => {
  const size = 200 * MEGABYTE;
  const block = Buffer.alloc(MEGABYTE, 65);
  let uploaded = 0;
  const backend = await rawBackend((path, socket, rest) => {
    if (path === "/up") {
      uploaded = rest.length;
      socket.on("data", (chunk: Buffer) => {
        uploaded += chunk.length;
        if (uploaded === size) socket.write(OK);
      });
      socket.pause();
      setTimeout(() => socket.resume(), 1500);
      return;
    }
    if (path !== "/big") return void socket.write(OK);
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
    let left = size;
    const pump = (): void => {
      while (left > 0) {
        left -= block.length;
        if (!socket.write(block)) return void socket.once("drain", pump);
      }
    };
    pump();
  });
  const proxy = await startLoneProxy("mizzen", { backendPort: backend.port });
  const open = (bytes: string): Promise<Socket> =>
    new Promise((done) => {
      const socket = connect(proxy.port, "127.0.0.1", () => {
        socket.write(bytes);
        done(socket);
      });
    });
  try {
    await exchange(proxy.port, get("/warm", "Connection: close"));
    const before = proxy.rssMb();
    let peak = 0;
    const watch = setInterval(() => (peak = Math.max(peak, proxy.rssMb())), 50);
    // The last says that the connection closes: what is still on its way when the response is over must arrive all the same.
    const readers = await Promise.all([get("/big"), get("/big"), get("/big", "Connection: close")].map(open));
    for (const reader of readers) reader.pause();
    const uploader = await open(`POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`);
    let left = size;
    const pump = (): void => {
      while (left > 0) {
        left -= block.length;
        if (!uploader.write(block)) return void uploader.once("drain", pump);
      }
    };
    pump();
    const answered = new Promise<string>((done) => uploader.once("data", (chunk: Buffer) => done(chunk.toString("latin1"))));
    await new Promise((done) => setTimeout(done, 1500));
    const read = await Promise.all(
      readers.map(
        (reader) =>
          new Promise<number>((done) => {
            let bytes = -1;
            reader.on("data", (chunk: Buffer) => {
              bytes += bytes < 0 ? chunk.length - chunk.indexOf("\r\n\r\n") - 3 : chunk.length;
              if (bytes === size) done(bytes);
            });
            reader.on("close", () => done(bytes));
            reader.resume();
          }),
      ),
    );
    assert.deepEqual(read, [size, size, size]);
    assert.match(await answered, /^HTTP\/1\.1 200 OK/);
    assert.equal(uploaded, size);
    clearInterval(watch);
    assert.ok(peak - before < 150, `memory grew from ${before} to ${peak} MB`);
    for (const socket of [...readers, uploader]) socket.destroy();
    await assertAtRest(proxy);
  } finally {
    await proxy.stop();
    await backend.close();
  }
});

test("2,000 peers that break off leave nothing behind", { timeout: 120_000 }, async () => {
  const backend = await rawBackend((path, socket) => {
    const kind = path.replace(/^\/(?:retry|short)\//, "/");
    if (kind === "/hang") return;
    if (kind === "/gone") return void socket.resetAndDestroy();
    if (kind === "/half") return void socket.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", () => socket.end());
    if (kind === "/cut") return void socket.write("HTTP/1.1 200 OK\r\nConte", () => socket.end());
    if (kind === "/busy") return void socket.write("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
    socket.write(OK);
  });
  const proxy = await startLoneProxy("mizzen", { backendPort: backend.port });
  const paths = ["/ok", "/hang", "/gone", "/half", "/cut", "/retry/gone", "/retry/busy", "/retry/hang", "/short/hang"];
  const one = (index: number): Promise<void> =>
    new Promise((done) => {
      const path = paths[index % paths.length] ?? "/";
      const whole = [
        `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789`,
        get(path) + get("/ok"),
        `POST ${path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
        get(path, "Connection: Upgrade", "Upgrade: websocket"),
      ][index % 4]!;
      const socket = connect(proxy.port, "127.0.0.1");
      socket.on("error", () => {});
      socket.on("close", () => done());
      socket.resume();
      // Every third stops somewhere within its request.
      socket.write(index % 3 === 0 ? whole.slice(0, (index * 7919) % whole.length) : whole);
      setTimeout(
        () => {
          if (index % 5 < 2) socket.resetAndDestroy();
          else if (index % 5 < 4) socket.destroy();
          else {
            socket.end();
            setTimeout(() => socket.destroy(), 50);
          }
        },
        (index * 31) % 40,
      );
    });
  try {
    await exchange(proxy.port, get("/ok", "Connection: close"));
    const before = proxy.descriptors();
    let next = 0;
    await Promise.all(
      Array.from({ length: 100 }, async () => {
        while (next < 2000) await one(next++);
      }),
    );
    await assertAtRest(proxy);
    await eventually("the descriptors are given back", 5_000, () => proxy.descriptors() <= before + 4);

    const started = performance.now();
    const crowd = await Promise.all(
      Array.from(
        { length: 1000 },
        () =>
          new Promise<Socket>((done, fail) => {
            const socket = connect(proxy.port, "127.0.0.1", () => {
              socket.write("GET /ok HTTP/1.1\r\nHost: a\r\nX-Slow: ");
              done(socket);
            });
            socket.on("error", fail);
          }),
      ),
    );
    const { text } = await exchange(proxy.port, get("/ok", "Connection: close"));
    assert.match(text, /^HTTP\/1\.1 200/);
    const answers = crowd.map((socket) => new Promise<string>((done) => socket.once("data", (chunk: Buffer) => done(chunk.toString()))));
    for (const socket of crowd) socket.write("at last\r\n\r\n");
    for (const answer of await Promise.all(answers)) assert.match(answer, /^HTTP\/1\.1 200/);
    assert.ok(performance.now() - started < 5_000);
    for (const socket of crowd) socket.destroy();
    await assertAtRest(proxy);
    await eventually(
      "the descriptors are given back",
      5_000,
      async () => (await proxy.stats(/^listener\.127.*downstream_cx_active$/)).values().next().value === 0,
    );
  } finally {
    await proxy.stop();
    await backend.close();
  }
});

test("a WebSocket carries large messages both ways, and either side may end first", { timeout: 120_000 }, async () => {
  const size = 8 * MEGABYTE;
  const payload = randomBytes(size);
  const sideEnded: string[] = [];
  const backend = await rawBackend((path, socket, rest) => {
    if (path === "/no") return void socket.write("HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno");
    socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    socket.write(rest, "latin1");
    if (path === "/echo") socket.on("data", (chunk: Buffer) => void socket.write(chunk));
    else {
      socket.on("data", () => {});
      socket.end("bye");
    }
    socket.on("end", () => sideEnded.push(path));
  });
  const proxy = await startLoneProxy("mizzen", { backendPort: backend.port });
  const upgrade = (path: string): string =>
    get(path, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13");
  try {
    const socket = connect({ port: proxy.port, host: "127.0.0.1", allowHalfOpen: true });
    // The first message leaves with the request, before the protocol is switched.
    socket.write(Buffer.concat([Buffer.from(upgrade("/echo")), payload.subarray(0, 1000)]));
    const received = await new Promise<Buffer>((done) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      let head = 0;
      socket.on("data", (chunk: Buffer) => {
        if (bytes === 0) {
          assert.match(chunk.toString("latin1"), /^HTTP\/1\.1 101 Switching Protocols\r\n/);
          head = chunk.indexOf("\r\n\r\n") + 4;
          socket.write(payload.subarray(1000));
        }
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes - head === size) done(Buffer.concat(chunks).subarray(head));
      });
    });
    assert.ok(received.equals(payload), "every byte came back");
    const closed = new Promise((done) => socket.once("close", done));
    socket.end();
    await eventually("the end of the client reaches the back end", 3_000, () => sideEnded.includes("/echo"));
    await closed;

    const bye = await exchange(proxy.port, upgrade("/bye"));
    assert.match(bye.text, /^HTTP\/1\.1 101 [^]*\r\n\r\nbye$/);
    assert.equal(bye.ended, "end");
    assert.match((await exchange(proxy.port, upgrade("/no"))).text, /^HTTP\/1\.1 400 Bad Request[^]*\r\n\r\nno$/);
    await assertAtRest(proxy);
  } finally {
    await proxy.stop();
    await backend.close();
  }
});
