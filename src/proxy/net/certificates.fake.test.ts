import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { connect, createServer, type TLSSocket } from "node:tls";
import { FakeAuthority } from "./certificates.fake.ts";

test("an identity is a URI that the root vouches for", () => {
  const authority = new FakeAuthority();
  const root = new X509Certificate(authority.root.certificate);
  const leaf = new X509Certificate(authority.issueIdentity("spiffe://cluster.local/ns/default/sa/web").certificate);
  assert.equal(leaf.subjectAltName, "URI:spiffe://cluster.local/ns/default/sa/web");
  assert.ok(leaf.verify(root.publicKey));
  assert.ok(leaf.checkIssued(root));
  assert.ok(root.ca);
});

test("a client and a server with certificates of one root believe each other", async () => {
  const authority = new FakeAuthority();
  const server = authority.issue({ commonName: "web.example.com", hosts: ["web.example.com", "10.96.0.1"] });
  const client = new FakeAuthority("root", authority.root).issueIdentity("spiffe://cluster.local/ns/default/sa/sleep");
  const ca = authority.root.certificate;
  const listener = createServer({ cert: server.certificate, key: server.key, ca, requestCert: true, rejectUnauthorized: true });
  const peer = new Promise<string | undefined>((done) =>
    listener.on("secureConnection", (socket: TLSSocket) => {
      done(socket.getPeerCertificate().subjectaltname);
      socket.end();
    }),
  );
  await new Promise<void>((done) => listener.listen(0, "127.0.0.1", done));
  const address = listener.address();
  assert.ok(address !== null && typeof address === "object");
  const socket = connect({
    port: address.port,
    host: "127.0.0.1",
    servername: "web.example.com",
    ca,
    cert: client.certificate,
    key: client.key,
  });
  assert.equal(await peer, "URI:spiffe://cluster.local/ns/default/sa/sleep");
  socket.destroy();
  listener.close();
});
