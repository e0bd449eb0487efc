import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { authoritiesOf, certificateOf, valuesOfConfigMap, valuesOfSecret } from "./credential.ts";

const pem = (name: string): string => readFileSync(join(import.meta.dirname, "testdata", `${name}.pem`), "utf8");
const base64 = (text: string): string => Buffer.from(text).toString("base64");

test("both forms of a Secret give a certificate with its key, and stringData counts before data", () => {
  const forms = [
    { data: { "tls.crt": base64(pem("server")), "tls.key": base64(pem("server-key")) } },
    { data: { cert: base64(pem("server")), key: base64(pem("server-key")) } },
    {
      data: { "tls.crt": base64("old"), "tls.key": base64("old") },
      stringData: { "tls.crt": pem("server"), "tls.key": pem("server-key") },
    },
  ];
  for (const form of forms) {
    const found = certificateOf(valuesOfSecret(form));
    assert.ok("chain" in found, JSON.stringify(found));
    assert.equal(Buffer.from(found.chain).toString(), pem("server"));
    assert.equal(Buffer.from(found.privateKey).toString(), pem("server-key"));
  }
});

test("the generic form counts where a Secret holds both, and only the other has room for a staple", () => {
  const both = { cert: pem("server"), key: pem("server-key"), "tls.crt": "x", "tls.key": "y", "tls.ocsp-staple": "z" };
  const generic = certificateOf(valuesOfSecret({ stringData: both }));
  assert.ok("chain" in generic && generic.ocspStaple === undefined);
  const stapled = { "tls.crt": pem("server"), "tls.key": pem("server-key"), "tls.ocsp-staple": "z" };
  const tls = certificateOf(valuesOfSecret({ stringData: stapled }));
  assert.ok("chain" in tls && tls.ocspStaple !== undefined);
});

test("what is wrong is said without a word of what the Secret holds", () => {
  const faults: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
    [{}, /^has neither tls\.crt and tls\.key nor cert and key$/u],
    [{ "tls.crt": pem("server"), "tls.key": "" }, /^has neither/u],
    [{ "tls.crt": "secret words", "tls.key": pem("server-key") }, /^holds no certificate that can be read in tls\.crt$/u],
    [{ "tls.crt": pem("server"), "tls.key": "secret words" }, /^holds no private key that can be read in tls\.key$/u],
    [{ cert: pem("server"), key: pem("other-key") }, /^holds in key a private key of another certificate than that in cert$/u],
  ];
  for (const [stringData, message] of faults) {
    const found = certificateOf(valuesOfSecret({ stringData }));
    assert.ok("fault" in found);
    assert.match(found.fault, message);
  }
});

test("authorities come from cacert or ca.crt, with the revocations beside them, also from a ConfigMap", () => {
  const generic = authoritiesOf(valuesOfSecret({ stringData: { cacert: pem("authority"), crl: "revoked" } }));
  assert.ok("certificates" in generic && generic.crl !== undefined);
  const tls = authoritiesOf(valuesOfSecret({ stringData: { "ca.crt": pem("authority"), crl: "of the other form" } }));
  assert.ok("certificates" in tls && tls.crl === undefined);
  assert.ok("certificates" in authoritiesOf(valuesOfConfigMap({ data: { "ca.crt": pem("authority") } })));
  assert.ok("certificates" in authoritiesOf(valuesOfConfigMap({ binaryData: { "ca.crt": base64(pem("authority")) } })));
  assert.deepEqual(authoritiesOf(valuesOfSecret({ stringData: { "ca.crt": "none" } })), {
    fault: "holds no certificate that can be read in ca.crt",
  });
  assert.deepEqual(authoritiesOf(valuesOfSecret({})), { fault: "has neither ca.crt nor cacert" });
});
