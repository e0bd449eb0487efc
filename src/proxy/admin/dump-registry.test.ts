import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson, toBinary } from "@bufbuild/protobuf";
import type { JsonValue } from "@bufbuild/protobuf";
import { ListenerSchema } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { configRegistry } from "#envoy/config-registry";
import { LISTENER_TYPE } from "#envoy/type-urls";
import { dumpResource } from "./dump-registry.ts";

test("private keys and passwords are not dumped, wherever in a listener they stand", () => {
  const certificate = (privateKey: object): object => ({
    certificateChain: { inlineString: "public" },
    privateKey,
    password: { inlineString: "word" },
  });
  const typedConfig = {
    "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
    commonTlsContext: {
      tlsCertificates: [
        certificate({ inlineString: "secret" }),
        certificate({ inlineBytes: "c2VjcmV0" }),
        certificate({ filename: "/key" }),
      ],
    },
    sessionTicketKeys: { keys: [{ inlineString: "secret" }] },
  };
  const wire = fromJson(
    ListenerSchema,
    { name: "l", filterChains: [{ transportSocket: { name: "tls", typedConfig } }] } as unknown as JsonValue,
    {
      registry: configRegistry,
    },
  );
  const text = JSON.stringify(dumpResource(LISTENER_TYPE, toBinary(ListenerSchema, wire)));
  for (const hidden of ["secret", "c2VjcmV0", "word"]) assert.ok(!text.includes(`"${hidden}"`), text);
  assert.equal(text.match(/"\[redacted\]"/g)?.length, 6);
  assert.ok(!text.includes("/key") && text.includes('"public"'));
});
