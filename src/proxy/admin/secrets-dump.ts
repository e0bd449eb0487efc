// The section of `/config_dump` with secrets: where they stand, and never what must not be read.
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import type { DataSource } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { SecretSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb";
import { SECRET_TYPE } from "#envoy/type-urls";
import { readDataSource } from "#proxy/transport-socket/data-source";
import { secretKey } from "#proxy/transport-socket/secret";
import type { AdminSource } from "./admin-source.ts";
import { dumpResource } from "./dump-registry.ts";

/** As Envoy, what somebody sent is shown with the content of its files in their place: which certificate is served, not from where. */
function dumpSent(bytes: Uint8Array): JsonObject {
  const secret = fromBinary(SecretSchema, bytes);
  const { type } = secret;
  if (type.case === "tlsCertificate") for (const source of [type.value.certificateChain, type.value.privateKey]) inline(source);
  else if (type.case === "validationContext") for (const source of [type.value.trustedCa, type.value.crl]) inline(source);
  return dumpResource(SECRET_TYPE, toBinary(SecretSchema, secret));
}

function inline(source: DataSource | undefined): void {
  if (source?.specifier.case !== "filename") return;
  const content = readDataSource(source, "", () => {});
  // A file that cannot be read any more is shown by its name.
  if (content !== undefined) source.specifier = { case: "inlineBytes", value: Buffer.from(content) };
}

const STATIC_PREFIX = secretKey({ kind: "static" }, "");

export function secretsSection({ config, staticResources }: AdminSource, matchesName: ((name: string) => boolean) | undefined): JsonObject {
  const names = new Map([...config.needs.secrets].map(([key, { name }]) => [key, name]));
  const wanted = (name: string): boolean => matchesName?.(name) !== false;
  const fixed = [...staticResources.secrets.values()].filter(({ name }) => wanted(name));
  const dynamic = config.secrets.live.filter(({ name }) => !name.startsWith(STATIC_PREFIX) && wanted(names.get(name) ?? name));
  // As Envoy, what somebody needs and nobody has sent is shown by its name.
  const warming = [...names].filter(
    ([key, name]) => !key.startsWith(STATIC_PREFIX) && config.secrets.get(key) === undefined && wanted(name),
  );
  return {
    "@type": "type.googleapis.com/envoy.admin.v3.SecretsConfigDump",
    ...(fixed.length === 0 ? {} : { static_secrets: fixed.map(({ name, bytes }) => ({ name, secret: dumpResource(SECRET_TYPE, bytes) })) }),
    ...(dynamic.length === 0
      ? {}
      : {
          dynamic_active_secrets: dynamic.map(({ name, version, bytes, acceptedWallMs }) => ({
            name: names.get(name) ?? name,
            ...(version === "" ? {} : { version_info: version }),
            last_updated: new Date(acceptedWallMs).toISOString(),
            secret: dumpSent(bytes),
          })),
        }),
    ...(warming.length === 0
      ? {}
      : {
          dynamic_warming_secrets: warming.map(([, name]) => ({
            name,
            version_info: "uninitialized",
            secret: { "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret", name },
          })),
        }),
  };
}
