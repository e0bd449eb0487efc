import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  HttpConnectionManager_ForwardClientCertDetails as Mode,
  HttpConnectionManagerSchema,
} from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import { FakeAuthority } from "#proxy/net/certificates.fake";
import { CertificateInfo, parseSubjectAltNames } from "#proxy/net/tls-info";
import type { TlsInfo } from "#proxy/net/tls-info";
import { compileForwardClientCert, urlEncoded } from "./forward-client-cert.ts";
import { PairRequestHeaderMap } from "./pair-header-map.ts";

const authority = new FakeAuthority();
const read = (pem: string): CertificateInfo => new CertificateInfo(new X509Certificate(pem));
const peerPem = authority.issue({ commonName: "c", uris: ["spiffe://a/client"], hosts: ["c.example", "d.example"] }).certificate;
const peer = read(peerPem);
const local = read(authority.issue({ commonName: "s", uris: ["spiffe://a/server"] }).certificate);
const mutual: TlsInfo = { version: "TLSv1.3", cipher: "x", applicationProtocol: "", peer, peerValidated: true, local };
const hash = new X509Certificate(peerPem).fingerprint256.replaceAll(":", "").toLowerCase();

function xfcc(init: MessageInitShape<typeof HttpConnectionManagerSchema>, tls: TlsInfo | undefined, before?: string): string | undefined {
  const lines: [string, string][] = before === undefined ? [] : [["x-forwarded-client-cert", before]];
  const headers = new PairRequestHeaderMap({ method: "GET", path: "/", authority: "a", scheme: "https", upgrade: undefined }, lines);
  compileForwardClientCert(create(HttpConnectionManagerSchema, init))(headers, tls);
  return headers.get("x-forwarded-client-cert");
}

test("each mode believes and says what Envoy's does", () => {
  const modes = (tls: TlsInfo | undefined): (string | undefined)[] =>
    [Mode.SANITIZE, Mode.FORWARD_ONLY, Mode.APPEND_FORWARD, Mode.SANITIZE_SET, Mode.ALWAYS_FORWARD_ONLY].map((forwardClientCertDetails) =>
      xfcc({ forwardClientCertDetails }, tls, "Hash=before"),
    );
  const own = `By=spiffe://a/server;Hash=${hash}`;
  assert.deepEqual(modes(undefined), [undefined, undefined, undefined, undefined, "Hash=before"]);
  assert.deepEqual(modes({ ...mutual, peer: undefined }), [undefined, undefined, undefined, undefined, "Hash=before"]);
  assert.deepEqual(modes(mutual), [undefined, "Hash=before", `Hash=before,${own}`, own, "Hash=before"]);
});

test("the details that are asked for, in Envoy's order", () => {
  const setCurrentClientCertDetails = { subject: true, dns: true, uri: true, cert: true };
  assert.equal(
    xfcc({ forwardClientCertDetails: Mode.SANITIZE_SET, setCurrentClientCertDetails }, mutual),
    `By=spiffe://a/server;Hash=${hash};Cert="${urlEncoded(peer.pem)}";Subject="CN=c,O=Mizzen\\, tests";URI=spiffe://a/client;DNS=c.example;DNS=d.example`,
  );
  assert.match(urlEncoded(peer.pem), /^-----BEGIN%20CERTIFICATE-----%0A[A-Za-z0-9%]+-----END%20CERTIFICATE-----%0A$/);
});

test("the chain stands where it is asked for, before the subject", () => {
  const setCurrentClientCertDetails = { chain: true, subject: true };
  assert.equal(
    xfcc({ forwardClientCertDetails: Mode.SANITIZE_SET, setCurrentClientCertDetails }, mutual),
    `By=spiffe://a/server;Hash=${hash};Chain="${urlEncoded(peer.pem)}";Subject="CN=c,O=Mizzen\\, tests"`,
  );
});

test("a certificate without URIs says so", () => {
  const bare = { ...mutual, peer: read(authority.issue({ hosts: ["x"] }).certificate) };
  const wanted = { forwardClientCertDetails: Mode.SANITIZE_SET, setCurrentClientCertDetails: { uri: true } };
  assert.match(xfcc(wanted, bare) ?? "", /;URI=$/);
});

test("a certificate with an identity alone has an empty subject", () => {
  const identity = { ...mutual, peer: read(authority.issue({ commonName: "", uris: ["spiffe://a/client"] }).certificate) };
  const wanted = { forwardClientCertDetails: Mode.SANITIZE_SET, setCurrentClientCertDetails: { subject: true, uri: true } };
  assert.match(xfcc(wanted, identity) ?? "", /;Subject="";URI=spiffe:\/\/a\/client$/);
});

test("no name of a certificate can pose as another", () => {
  assert.deepEqual(parseSubjectAltNames('DNS:a.b, URI:"spiffe://x, DNS:evil", IP Address:1.2.3.4, othername:<unsupported>, email:a@b'), [
    { type: "DNS", value: "a.b" },
    { type: "URI", value: "spiffe://x, DNS:evil" },
    { type: "IP_ADDRESS", value: "1.2.3.4" },
    { type: "OTHER_NAME", value: "<unsupported>" },
    { type: "EMAIL", value: "a@b" },
  ]);
  const tricky = read(authority.issue({ hosts: ['a", DNS:evil'], uris: ["spiffe://x, DNS:evil"] }).certificate);
  assert.deepEqual(tricky.names("DNS"), ['a", DNS:evil']);
  assert.deepEqual(tricky.names("URI"), ["spiffe://x, DNS:evil"]);
});
