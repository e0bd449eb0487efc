import assert from "node:assert/strict";
import test from "node:test";
import { parseProtocol, selectProtocol, type ProtocolHints } from "./protocol.ts";

const rows: readonly [ProtocolHints, string][] = [
  [{ port: 8888, name: "" }, "AUTO"],
  [{ port: 25, name: "" }, "TCP"],
  [{ port: 53, name: "httptest" }, "TCP"],
  [{ port: 3306, name: "" }, "TCP"],
  [{ port: 27017, name: "httptest" }, "TCP"],
  [{ port: 3306, name: "http" }, "HTTP"],
  [{ port: 8888, name: "http" }, "HTTP"],
  [{ port: 8888, name: "HTTP-test" }, "HTTP"],
  [{ port: 8888, name: "httptest" }, "AUTO"],
  [{ port: 8888, name: "http", transport: "UDP" }, "UDP"],
  [{ port: 8888, name: "https-test" }, "HTTPS"],
  [{ port: 8888, name: "http2-test" }, "HTTP2"],
  [{ port: 8888, name: "grpc" }, "GRPC"],
  [{ port: 8888, name: "grpc-web-test" }, "GRPC-WEB"],
  [{ port: 8888, name: "gRPC-Web" }, "GRPC-WEB"],
  [{ port: 8888, name: "tls" }, "TLS"],
  [{ port: 8888, name: "mongo-test" }, "MONGO"],
  [{ port: 8888, name: "redis" }, "REDIS"],
  [{ port: 8888, name: "mysql" }, "MYSQL"],
  [{ port: 8888, name: "tcp", appProtocol: "http" }, "HTTP"],
  [{ port: 8888, name: "tcp", appProtocol: "kubernetes.io/h2c" }, "HTTP2"],
  [{ port: 8888, name: "tcp", appProtocol: "kubernetes.io/ws" }, "HTTP"],
  [{ port: 8888, name: "tcp", appProtocol: "kubernetes.io/wss" }, "HTTPS"],
  [{ port: 8888, name: "http", appProtocol: "smtp" }, "AUTO"],
];

for (const [hints, protocol] of rows) {
  test(`port ${hints.port} named "${hints.name}", appProtocol ${hints.appProtocol}, ${hints.transport ?? "TCP"}: ${protocol}`, () => {
    assert.equal(selectProtocol(hints), protocol);
  });
}

test("protocol names are read in any case, and unknown ones are AUTO", () => {
  assert.equal(parseProtocol("Http"), "HTTP");
  assert.equal(parseProtocol("GRPC-WEB"), "GRPC-WEB");
  for (const name of ["", "SMTP", "HBONE", "__proto__"]) assert.equal(parseProtocol(name), "AUTO");
});
