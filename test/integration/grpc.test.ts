// gRPC services in a running mesh: from an application through its own sidecar (a port that its Sidecar names) and that of the service, and
// from outside through the ingress gateway in plain text and over TLS, with routing, retries, deadlines and faults of a VirtualService.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client, Metadata, credentials } from "@grpc/grpc-js";
import type { ChannelCredentials, ServiceError } from "@grpc/grpc-js";
import { freePort } from "../harness/free-port.ts";
import { eventually, startMesh } from "../harness/mesh.ts";
import type { TestMesh } from "../harness/mesh.ts";
import { FakeAuthority } from "#proxy/net/certificates.fake";

const GRPC_JS = import.meta.resolve("@grpc/grpc-js");

/** Answers with its name and what it was asked; /Fail is never available, /Slow takes long, /Stream gives three messages back. */
const PROGRAM = `
import { Server, ServerCredentials, status } from "${GRPC_JS}";
const same = (bytes) => bytes;
const method = (name, stream) => ({ path: "/echo.Echo/" + name, requestStream: false, responseStream: stream,
  requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same });
const text = ({ request }) => Buffer.from(process.argv[2] + " " + request);
const server = new Server();
server.addService(
  { echo: method("Echo", false), fail: method("Fail", false), slow: method("Slow", false), stream: method("Stream", true) },
  {
    echo: (call, done) => done(null, text(call)),
    fail: (_, done) => done({ code: status.UNAVAILABLE, details: "never" }),
    slow: (call, done) => setTimeout(() => done(null, text(call)), 5000),
    stream: (call) => { for (let i = 0; i < 3; i++) call.write(text(call)); call.end(); },
  },
);
server.bindAsync(process.env.HOST + ":" + process.env.PORT, ServerCredentials.createInsecure(), (error) => { if (error) throw error; });
`;

let mesh: TestMesh;
const authority = new FakeAuthority();
const pair = authority.issue({ hosts: ["echo.example.com"] });
const indented = (text: string): string => text.trimEnd().replaceAll(/^/gm, "    ");

function objects(port: number, gatewayPort: number, tlsPort: number): string {
  const group = (version: string): string => `
apiVersion: networking.istio.io/v1
kind: WorkloadGroup
metadata: { name: echo-${version}, annotations: { mizzen.io/run: node echo.mjs ${version} } }
spec:
  metadata: { labels: { app: echo, version: ${version} } }
  template: { labels: { app: echo, version: ${version} }, ports: { grpc: ${port} }, serviceAccount: echo }
  probe: { periodSeconds: 1, tcpSocket: { port: ${port} } }
---`;
  return `
apiVersion: v1
kind: Service
metadata: { name: echo }
spec: { ports: [{ port: ${port}, name: grpc }], selector: { app: echo } }
---${group("v1")}${group("v2")}
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: echo }
spec: { host: echo, subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }] }
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: productpage }
spec:
  workloadSelector: { labels: { app: productpage } }
  egress:
  - { port: { number: ${port}, name: grpc, protocol: GRPC }, bind: 127.0.0.1, captureMode: NONE, hosts: ["./echo.default.svc.cluster.local"] }
  - { hosts: ["./*"] }
---
apiVersion: v1
kind: Secret
metadata: { name: echo-cert, namespace: istio-system }
type: Opaque
stringData:
  tls.crt: |
${indented(pair.certificate)}
  tls.key: |
${indented(pair.key)}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: echo }
spec:
  selector: { istio: ingressgateway }
  servers:
  - { port: { number: ${gatewayPort}, name: grpc, protocol: GRPC }, hosts: ["*"] }
  - { port: { number: ${tlsPort}, name: https, protocol: HTTPS }, hosts: [echo.example.com], tls: { mode: SIMPLE, credentialName: echo-cert } }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: echo }
spec:
  hosts: [echo, "*.example.com"]
  gateways: [echo, mesh]
  http:
  - match: [{ headers: { version: { exact: v2 } } }]
    route: [{ destination: { host: echo, port: { number: ${port} }, subset: v2 } }]
  - match: [{ headers: { broken: { exact: "yes" } } }]
    fault: { abort: { grpcStatus: RESOURCE_EXHAUSTED, percentage: { value: 100 } } }
    route: [{ destination: { host: echo, port: { number: ${port} } } }]
  - match: [{ uri: { exact: /echo.Echo/Slow } }]
    timeout: 0.5s
    route: [{ destination: { host: echo, port: { number: ${port} } } }]
  - retries: { attempts: 2, retryOn: unavailable }
    route: [{ destination: { host: echo, port: { number: ${port} }, subset: v1 } }]
`;
}

const clients: Client[] = [];
let sidecar: Client;
let gateway: Client;
let secure: Client;

function connect(port: number, security: ChannelCredentials, authorityName: string): Client {
  const options = { "grpc.enable_http_proxy": 0, "grpc.enable_retries": 0, "grpc.default_authority": authorityName };
  const client = new Client(`127.0.0.1:${port}`, security, { ...options, "grpc.ssl_target_name_override": "echo.example.com" });
  clients.push(client);
  return client;
}

const same = (bytes: Buffer): Buffer => bytes;

/** The answer, or the status and the message. */
function ask(client: Client, method: string, headers: Readonly<Record<string, string>> = {}): Promise<string> {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const options = { deadline: Date.now() + 10_000 };
  return new Promise((done) => {
    client.makeUnaryRequest(
      `/echo.Echo/${method}`,
      same,
      same,
      Buffer.from("hi"),
      metadata,
      options,
      (error: ServiceError | null, answer) => done(error === null ? String(answer) : `${error.code} ${error.details}`),
    );
  });
}

before(async () => {
  mesh = await startMesh();
  const [port, gatewayPort, tlsPort] = [await freePort(), await freePort(), await freePort()];
  mesh.write("echo.mjs", PROGRAM);
  mesh.write("echo.yaml", objects(port, gatewayPort, tlsPort));
  sidecar = connect(port, credentials.createInsecure(), `echo:${port}`);
  gateway = connect(gatewayPort, credentials.createInsecure(), "plain.example.com");
  secure = connect(tlsPort, credentials.createSsl(Buffer.from(authority.root.certificate)), "echo.example.com");
  for (const client of clients)
    await eventually("echo answers", 20_000, async () => {
      const [first, second] = [await ask(client, "Echo"), await ask(client, "Echo", { version: "v2" })];
      if (first !== "v1 hi" || second !== "v2 hi") throw new Error(`${first}, ${second}`);
      return true;
    });
});
after(async () => {
  for (const client of clients) client.close();
  await mesh.stop();
});

test("calls are routed by their headers, through sidecars and through the gateway, in plain text and over TLS", async () => {
  for (const client of [sidecar, gateway, secure]) {
    assert.equal(await ask(client, "Echo"), "v1 hi");
    assert.equal(await ask(client, "Echo", { version: "v2" }), "v2 hi");
  }
});

test("streams pass", async () => {
  for (const client of [sidecar, gateway, secure]) {
    const stream = client.makeServerStreamRequest("/echo.Echo/Stream", same, same, Buffer.from("hi"));
    const answers: string[] = [];
    for await (const message of stream) answers.push(String(message));
    assert.deepEqual(answers, ["v1 hi", "v1 hi", "v1 hi"]);
  }
});

test("timeouts, faults and what is tried again come as gRPC statuses", async () => {
  for (const client of [sidecar, gateway]) {
    // The server is told how long it may take, and may be the first to give up.
    assert.match(await ask(client, "Slow"), /^(14 upstream request timeout|4 Deadline exceeded)$/);
    assert.equal(await ask(client, "Echo", { broken: "yes" }), "8 fault filter abort");
    assert.equal(await ask(client, "Fail"), "14 never");
    assert.match(await ask(client, "Nothing"), /^12 /);
  }
});

test("every hop spoke HTTP/2", async () => {
  const lines = await eventually("the calls are logged", 5000, () => {
    const found = mesh
      .output()
      .split("\n")
      .filter((line) => line.includes("/echo.Echo/Echo"));
    return found.length > 6 ? found : undefined;
  });
  assert.ok(
    lines.every((line) => line.includes("HTTP/2")),
    lines.join("\n"),
  );
});
