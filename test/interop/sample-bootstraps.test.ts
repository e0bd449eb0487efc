// Bootstraps of the shapes that Envoy's own samples have (bootstraps/), under Envoy and under `mizzen proxy`: both give the same answers.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage, RequestOptions, ServerResponse } from "node:http";
import { request as plainRequest } from "node:http";
import { createServer as createTlsServer, request as tlsRequest } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { FakeAuthority } from "#proxy/net/certificates.fake";
import { freePort } from "../harness/free-port.ts";
import { KINDS, startStandalone } from "./standalone.ts";
import type { ProxyKind } from "./standalone.ts";

const folder = mkdtempSync(join(tmpdir(), "mizzen-samples-"));
const authority = new FakeAuthority();
const site = authority.issue({ hosts: ["www.site.test"] });
const edge = authority.issue({ hosts: ["edge.test"] });

/** Not x-forwarded-for: for clients on loopback Envoy writes an address of the machine. */
const TOLD = [
  "host",
  "x-forwarded-proto",
  "x-envoy-downstream-service-cluster",
  "x-envoy-downstream-service-node",
  "user-agent",
  "x-envoy-original-path",
  "x-envoy-expected-rq-timeout-ms",
];

function answer(request: IncomingMessage, response: ServerResponse): void {
  const told = TOLD.map((name) => `${name}=${String(request.headers[name] ?? "")}`).join(" ");
  request.resume().on("end", () => response.end(`${request.method} ${request.url} ${told}\n`));
}

const backend = createServer(answer);
const tlsBackend = createTlsServer({ cert: site.certificate, key: site.key }, answer);

async function listen(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return (server.address() as AddressInfo).port;
}

let ports: Readonly<Record<string, number>> = {};

before(async () => {
  ports = { BACKEND: await listen(backend), TLS_BACKEND: await listen(tlsBackend) };
  for (const [name, text] of [
    ["root.pem", authority.root.certificate],
    ["edge.pem", edge.certificate],
    ["edge.key", edge.key],
  ] as const)
    writeFileSync(join(folder, name), text);
});
after(() => {
  for (const server of [backend, tlsBackend]) {
    server.close();
    server.closeAllConnections();
  }
  rmSync(folder, { recursive: true });
});

interface Ask {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Over TLS, for this name. */
  readonly tls?: string;
}

/** `\{BACKEND}` in what is asked stands for that port. */
const SAMPLES: Readonly<Record<string, readonly Ask[]>> = {
  edge: [
    { path: "/content/a", tls: "edge.test" },
    { path: "/content//a/../b", tls: "edge.test" },
    { path: "/content%2Fa", tls: "edge.test" },
    { path: "/other", tls: "edge.test" },
    { path: "/content", tls: "edge.test", headers: { a_b: "1" } },
    { path: "/content", tls: "elsewhere.test" },
  ],
  "front-proxy": [
    { path: "/healthcheck" },
    { path: "/v1/a?b=c", headers: { host: "api.test:80" } },
    { path: "/v1/a", headers: { host: "api.test", "content-type": "application/grpc" } },
    { path: "/v1/a", headers: { host: "api.test" }, method: "POST", body: "short" },
    { path: "/v1/a", headers: { host: "api.test" }, method: "POST", body: "longer than sixteen bytes" },
    { path: "/gone", headers: { host: "api.test" } },
    { path: "/a", headers: { host: "other.test" } },
    { path: "/a", headers: { host: "other.test", "x-forwarded-for": "203.0.113.9" } },
  ],
  "other-site": [{ path: "/site/a" }, { path: "/lost" }, { path: "/lost", method: "POST", body: "x" }, { path: "/site/a", method: "HEAD" }],
  "tunnel-http1": [{ path: "/a" }, { path: "/b", method: "POST", body: "x" }],
  "tunnel-http2": [{ path: "/a" }, { path: "/b", method: "POST", body: "x" }],
  "tunnel-post": [{ path: "/a" }, { path: "/b", method: "POST", body: "x" }],
  "chosen-host": [
    { path: "/" },
    { path: "/named" },
    { path: "/named", headers: { "x-envoy-original-dst-host": "127.0.0.1:${BACKEND}" } },
    { path: "/named", headers: { "x-envoy-original-dst-host": "localhost:${BACKEND}" } },
    { path: "/named", headers: { "x-envoy-original-dst-host": "127.0.0.1:1" } },
    { path: "/port", headers: { "x-where": "127.0.0.1:7" } },
  ],
  "proxy-protocol": [{ path: "/direct" }, { path: "/a" }],
};

async function ask(port: number, { path, method = "GET", headers, body, tls }: Ask): Promise<string> {
  const options: RequestOptions = { host: "127.0.0.1", port, path, method, headers: { ...headers }, agent: false };
  const sent = tls === undefined ? plainRequest(options) : tlsRequest({ ...options, servername: tls, rejectUnauthorized: false });
  sent.end(body);
  return new Promise((done) => {
    sent.on("error", () => done("no answer"));
    sent.on("response", (response) => {
      let text = "";
      response.on("data", (chunk) => (text += String(chunk)));
      const { location = "", "content-type": type = "" } = response.headers;
      response.on("end", () => done(`${response.statusCode} ${location} ${type} ${text}`));
    });
  });
}

function filled(text: string, values: Readonly<Record<string, number | string>>): string {
  return text.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => String(values[name]));
}

async function answers(kind: ProxyKind, sample: string, asks: readonly Ask[]): Promise<string[]> {
  const [ADMIN, LISTEN, SECOND] = [await freePort(), await freePort(), await freePort()];
  const values = { ...ports, ADMIN, LISTEN, SECOND, FOLDER: folder };
  const file = join(folder, `${kind}-${sample}.yaml`);
  writeFileSync(file, filled(readFileSync(join(import.meta.dirname, "bootstraps", `${sample}.yaml`), "utf8"), values));
  const proxy = await startStandalone(kind, file, ADMIN);
  try {
    const got: string[] = [];
    for (const one of asks) {
      const headers = Object.entries(one.headers ?? {}).map(([name, value]) => [name, filled(value, values)] as const);
      const text = await ask(LISTEN, { ...one, headers: Object.fromEntries(headers) });
      // Ports differ from run to run.
      got.push(text.replaceAll(String(LISTEN), "LISTEN").replaceAll(String(SECOND), "SECOND"));
    }
    return got;
  } finally {
    await proxy.stop();
  }
}

for (const [sample, asks] of Object.entries(SAMPLES)) {
  test(`a bootstrap serves as it does in Envoy: ${sample}`, async () => {
    const seen = new Map<ProxyKind, string[]>();
    for (const kind of KINDS) seen.set(kind, await answers(kind, sample, asks));
    assert.deepEqual(seen.get("mizzen"), seen.get("envoy"));
    assert.ok(
      seen.get("envoy")!.some((text) => text.startsWith("200")),
      seen.get("envoy")!.join(),
    );
  });
}
