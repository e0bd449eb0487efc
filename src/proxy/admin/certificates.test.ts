import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { SecretSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb";
import { FakeAuthority } from "#proxy/net/certificates.fake";
import { ResourceSlots } from "#proxy/xds-client/resource-slots";
import type { AdminSource } from "./admin-source.ts";
import { certificates } from "./certificates.ts";

test("the certificates of a secret are shown, its key is not", () => {
  const { certificate, key } = new FakeAuthority().issue({ uris: ["spiffe://td/ns/a/sa/b"], hosts: ["a.example"] });
  const inline = (inlineString: string): object => ({ specifier: { case: "inlineString", value: inlineString } });
  const secret = create(SecretSchema, {
    name: "s",
    type: { case: "tlsCertificate", value: { certificateChain: inline(certificate), privateKey: inline(key) } },
  });
  const secrets = new ResourceSlots<{ readonly name: string }>();
  secrets.make("s").live = { name: "s", version: "1", bytes: toBinary(SecretSchema, secret), facts: { name: "s" }, acceptedWallMs: 0 };
  const none = new ResourceSlots<never>();
  const x509 = new X509Certificate(certificate);
  const wallMs = (): number => x509.validToDate.getTime() - 3.5 * 86_400_000;
  const source = { config: { clusters: none, listeners: none, secrets }, wallMs } as unknown as AdminSource;
  const shown = certificates(source);
  assert.deepEqual(shown, {
    certificates: [
      {
        ca_cert: [],
        cert_chain: [
          {
            path: "<inline>",
            serial_number: x509.serialNumber.toLowerCase(),
            subject_alt_names: [{ uri: "spiffe://td/ns/a/sa/b" }, { dns: "a.example" }],
            days_until_expiration: "3",
            valid_from: x509.validFromDate.toISOString().replace(".000Z", "Z"),
            expiration_time: x509.validToDate.toISOString().replace(".000Z", "Z"),
          },
        ],
      },
    ],
  });
});
