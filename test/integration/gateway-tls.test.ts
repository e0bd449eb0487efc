// TLS and TCP at the gateway of a running mesh, as a browser or curl uses it: certificates from Secrets, clients that prove who they are,
// redirects from plain HTTP, TLS that passes, and Secrets that change or break while requests go on.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { connect, createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createServer, type TLSSocket } from "node:tls";
import { freePort } from "../harness/free-port.ts";
import { call, eventually, ROOT, startMesh } from "../harness/mesh.ts";
import type { TestMesh } from "../harness/mesh.ts";
import { FakeAuthority } from "#proxy/net/certificates.fake";
import type { KeyPair } from "#runtime/x509";

const authority = new FakeAuthority();
const strangers = new FakeAuthority();

let mesh: TestMesh;
before(async () => {
  mesh = await startMesh();
});
after(() => mesh.stop());

interface SecureAnswer {
  readonly status: number;
  readonly body: string;
  /** Of the server's certificate. */
  readonly names: string;
}

/** One HTTPS request on a connection of its own, by server name. Rejects where TLS fails. */
function secureCall(port: number, host: string, path: string, client: Partial<KeyPair> = {}): Promise<SecureAnswer> {
  return new Promise((done, fail) => {
    const { certificate: cert, key } = client;
    const request = httpsRequest(
      {
        host: "127.0.0.1",
        port,
        path,
        servername: host,
        headers: { host },
        ca: [authority.root.certificate, strangers.root.certificate],
        cert,
        key,
        agent: false,
      },
      (response) => {
        const { subjectaltname = "" } = (response.socket as TLSSocket).getPeerCertificate();
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (body += chunk));
        response.on("error", fail);
        response.on("end", () => done({ status: response.statusCode ?? 0, body, names: subjectaltname }));
      },
    );
    request.setTimeout(5000, () => request.destroy(new Error("no answer in time")));
    request.on("error", fail);
    request.end();
  });
}

function secret(name: string, { certificate, key }: KeyPair, more: Readonly<Record<string, string>> = {}): string {
  const data = Object.entries({ "tls.crt": certificate, "tls.key": key, ...more });
  const lines = data.map(([field, text]) => `  ${field}: |\n${text.trimEnd().replaceAll(/^/gm, "    ")}`);
  return `---\napiVersion: v1\nkind: Secret\nmetadata: {name: ${name}, namespace: istio-system}\ntype: Opaque\nstringData:\n${lines.join("\n")}\n`;
}

interface Server {
  readonly port: number;
  readonly name: string;
  readonly host: string;
  readonly protocol?: string;
  readonly tls: string;
}

function gateway(name: string, servers: readonly Server[]): string {
  const list = servers.map(
    ({ port, name: portName, host, protocol = "HTTPS", tls }) =>
      `    - {port: {number: ${port}, name: ${portName}, protocol: ${protocol}}, hosts: ["${host}"], tls: {${tls}}}`,
  );
  return `---\napiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: ${name}}\nspec:\n  selector: {istio: ingressgateway}\n  servers:\n${list.join("\n")}\n`;
}

/** Every request is answered with the text. */
function answering(name: string, gatewayName: string, host: string, text: string): string {
  return `---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: ${name}}\nspec:\n  hosts: ["${host}"]\n  gateways: [${gatewayName}]\n  http: [{directResponse: {status: 200, body: {string: "${text}"}}}]\n`;
}

const simple = (credential: string): string => `mode: SIMPLE, credentialName: ${credential}`;

test("the sample serves Bookinfo's page by HTTPS", async () => {
  const port = await freePort();
  const sample = readFileSync(join(ROOT, "samples/bookinfo/networking/bookinfo-gateway-https.yaml"), "utf8");
  mesh.write("sample.yaml", sample.replace("number: 443", `number: ${port}`));
  const certificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(sample)?.[0].replaceAll(/^ +/gm, "");
  const page = await eventually("the page is served by HTTPS", 5000, () => {
    return new Promise<string>((done, fail) => {
      const target = { host: "127.0.0.1", port, path: "/productpage", servername: "localhost", ca: certificate, agent: false };
      const request = httpsRequest(target, (response) => {
        let body = "";
        response.on("data", (chunk: Buffer) => (body += chunk.toString()));
        response.on("end", () => (response.statusCode === 200 ? done(body) : fail(new Error(`${response.statusCode} ${body}`))));
      });
      request.on("error", fail);
      request.end();
    });
  });
  assert.match(page, /Bookstore|BookInfo|The Comedy of Errors/i);
  mesh.remove("sample.yaml");
});

test("each host has its own certificate and routes, and a new Secret is shown to new connections", async () => {
  const port = await freePort();
  const write = (a: KeyPair): void =>
    mesh.write(
      "hosts.yaml",
      secret("a-cert", a) +
        secret("b-cert", authority.issue({ hosts: ["b.example.com"] })) +
        gateway("hosts", [
          { port, name: "https-a", host: "a.example.com", tls: simple("a-cert") },
          { port, name: "https-b", host: "b.example.com", tls: simple("b-cert") },
        ]) +
        answering("a", "hosts", "a.example.com", "from a") +
        answering("b", "hosts", "b.example.com", "from b"),
    );
  write(authority.issue({ hosts: ["a.example.com"] }));
  const a = await eventually("a answers", 5000, () => secureCall(port, "a.example.com", "/"));
  const b = await eventually("b answers", 5000, () => secureCall(port, "b.example.com", "/"));
  assert.deepEqual([a.body, a.names, b.body, b.names], ["from a", "DNS:a.example.com", "from b", "DNS:b.example.com"]);
  await assert.rejects(secureCall(port, "c.example.com", "/"));
  write(authority.issue({ hosts: ["a.example.com", "renewed.example.com"] }));
  await eventually("the new certificate is shown", 5000, async () =>
    (await secureCall(port, "a.example.com", "/")).names.includes("renewed"),
  );
  // A broken one costs its own host nothing that is already served, and the other host nothing at all.
  write({ certificate: "nothing of the kind", key: "neither" });
  await eventually(
    "the broken Secret is named",
    5000,
    () => /a-cert/.exec(mesh.output()) !== null && /MZ00\d\d[^\n]*a-cert/.test(mesh.output()),
  );
  assert.equal((await secureCall(port, "b.example.com", "/")).body, "from b");
  mesh.remove("hosts.yaml");
});

test("MUTUAL takes clients of the authority alone; OPTIONAL_MUTUAL takes those without a certificate too", async () => {
  const port = await freePort();
  const pair = authority.issue({ hosts: ["m.example.com", "o.example.com"] });
  mesh.write(
    "mutual.yaml",
    secret("mutual-cert", pair, { "ca.crt": authority.root.certificate }) +
      gateway("mutual", [
        { port, name: "https-m", host: "m.example.com", tls: "mode: MUTUAL, credentialName: mutual-cert" },
        { port, name: "https-o", host: "o.example.com", tls: "mode: OPTIONAL_MUTUAL, credentialName: mutual-cert" },
      ]) +
      answering("mutual", "mutual", "*.example.com", "known"),
  );
  const friend = authority.issue({ commonName: "friend", hosts: ["friend.example.com"] });
  const stranger = strangers.issue({ commonName: "stranger", hosts: ["stranger.example.com"] });
  assert.equal((await eventually("a friend is served", 5000, () => secureCall(port, "m.example.com", "/", friend))).body, "known");
  await assert.rejects(secureCall(port, "m.example.com", "/"));
  await assert.rejects(secureCall(port, "m.example.com", "/", stranger));
  assert.equal((await secureCall(port, "o.example.com", "/")).body, "known");
  assert.equal((await secureCall(port, "o.example.com", "/", friend)).body, "known");
  await assert.rejects(secureCall(port, "o.example.com", "/", stranger));
  mesh.remove("mutual.yaml");
});

test("httpsRedirect sends plain HTTP to HTTPS", async () => {
  const port = await freePort();
  mesh.write(
    "redirect.yaml",
    gateway("redirect", [{ port, name: "http", protocol: "HTTP", host: "r.example.com", tls: "httpsRedirect: true" }]) +
      answering("redirect", "redirect", "r.example.com", "never"),
  );
  const answer = await eventually("the redirect is live", 5000, () =>
    call(`http://127.0.0.1:${port}/x?y=1`, { headers: { host: "r.example.com" } }),
  );
  assert.equal(answer.status, 301);
  assert.equal(answer.headers["location"], "https://r.example.com/x?y=1");
  mesh.remove("redirect.yaml");
});

test("TLS that passes ends at the application, found by the server name", async (t) => {
  const port = await freePort();
  const { certificate: cert, key } = authority.issue({ hosts: ["p.example.com"] });
  const application = createServer({ cert, key }, (socket) =>
    socket.end("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nthe application itself"),
  );
  await new Promise<void>((done) => application.listen(0, "127.0.0.1", done));
  t.after(() => application.close());
  const address = application.address();
  assert.ok(typeof address === "object" && address !== null);
  mesh.write(
    "pass.yaml",
    `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: pass}
spec:
  hosts: [p.example.com]
  location: MESH_EXTERNAL
  resolution: STATIC
  ports: [{number: 443, name: tls, protocol: TLS}]
  endpoints: [{address: 127.0.0.1, ports: {tls: ${address.port}}}]
${gateway("pass", [{ port, name: "tls", protocol: "TLS", host: "p.example.com", tls: "mode: PASSTHROUGH" }])}---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: pass}
spec:
  hosts: [p.example.com]
  gateways: [pass]
  tls: [{match: [{sniHosts: [p.example.com]}], route: [{destination: {host: p.example.com, port: {number: 443}}}]}]
`,
  );
  const answer = await eventually("the application answers", 5000, () => secureCall(port, "p.example.com", "/"));
  assert.deepEqual([answer.body, answer.names], ["the application itself", "DNS:p.example.com"]);
  await assert.rejects(secureCall(port, "other.example.com", "/"));
  mesh.remove("pass.yaml");
});

test("a TCP server carries what is neither HTTP nor TLS", async (t) => {
  const port = await freePort();
  const echo = createTcpServer((socket) => socket.pipe(socket));
  await new Promise<void>((done) => echo.listen(0, "127.0.0.1", done));
  t.after(() => echo.close());
  const address = echo.address();
  assert.ok(typeof address === "object" && address !== null);
  mesh.write(
    "tcp.yaml",
    `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: echo}
spec:
  hosts: [echo.example.com]
  location: MESH_EXTERNAL
  resolution: STATIC
  ports: [{number: 9000, name: tcp, protocol: TCP}]
  endpoints: [{address: 127.0.0.1, ports: {tcp: ${address.port}}}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: tcp}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: ${port}, name: tcp, protocol: TCP}, hosts: ["*"]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: tcp}
spec:
  hosts: ["*"]
  gateways: [tcp]
  tcp: [{match: [{port: ${port}}], route: [{destination: {host: echo.example.com, port: {number: 9000}}}]}]
`,
  );
  const answer = await eventually("the echo comes back", 5000, () => {
    return new Promise<string>((done, fail) => {
      const socket = connect({ host: "127.0.0.1", port }, () => socket.write("\u0000 neither"));
      socket.once("data", (data: Buffer) => {
        done(data.toString());
        socket.destroy();
      });
      socket.once("error", fail);
      socket.once("close", () => fail(new Error("closed")));
    });
  });
  assert.equal(answer, "\u0000 neither");
  mesh.remove("tcp.yaml");
});
