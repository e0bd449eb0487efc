import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { test } from "node:test";
import {
  basicConstraints,
  distinguishedName,
  extendedKeyUsage,
  keyPem,
  keyUsage,
  SERVER_AUTH,
  signCertificate,
  subjectAltName,
} from "./x509.ts";

const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
const name = distinguishedName({ organization: "Tests", commonName: "root" });
const content = {
  issuer: name,
  subject: name,
  publicKey: keys.publicKey,
  serial: Buffer.from("00ff01", "hex"),
  notBefore: new Date("2026-01-01T00:00:00Z"),
  notAfter: new Date("2027-01-01T00:00:00Z"),
};

test("an authority signs itself, and what it signs is its own", () => {
  const extensions = [keyUsage("keyCertSign", "cRLSign"), basicConstraints(true)];
  const root = new X509Certificate(signCertificate({ ...content, extensions }, keys.privateKey));
  assert.ok(root.ca && root.checkIssued(root) && root.verify(root.publicKey));
  assert.equal(root.subject, "O=Tests\nCN=root");
  assert.equal(root.serialNumber, "0100FF01");
  assert.deepEqual([root.validFromDate, root.validToDate], [content.notBefore, content.notAfter]);
  assert.ok(root.checkPrivateKey(createPrivateKey(keyPem(keys.privateKey))));
});

test("a certificate is for names, addresses and identities, and for a purpose", () => {
  const names = { uris: ["spiffe://td/ns/a/sa/b"], hosts: ["a.example", "10.0.0.1", "fd00::1", "1:2:3:4:5:6:7:8"] };
  const extensions = [keyUsage("digitalSignature"), extendedKeyUsage(SERVER_AUTH), basicConstraints(false), subjectAltName(names, true)];
  const leaf = new X509Certificate(signCertificate({ ...content, subject: distinguishedName({}), extensions }, keys.privateKey));
  assert.ok(!leaf.ca && leaf.verify(keys.publicKey));
  assert.equal(leaf.subject, undefined);
  assert.equal(
    leaf.subjectAltName,
    "URI:spiffe://td/ns/a/sa/b, DNS:a.example, IP Address:10.0.0.1, IP Address:FD00:0:0:0:0:0:0:1, IP Address:1:2:3:4:5:6:7:8",
  );
  assert.deepEqual(leaf.keyUsage, ["1.3.6.1.5.5.7.3.1"]);
});
