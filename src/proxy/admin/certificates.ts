// `/certs`: the certificates of secrets and of TLS contexts that hold them themselves, as envoy.admin.v3.Certificates. Keys are not read.
import { X509Certificate } from "node:crypto";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { fromJson } from "@bufbuild/protobuf";
import { DataSourceSchema } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { CLUSTER_TYPE, LISTENER_TYPE, SECRET_TYPE } from "#envoy/type-urls";
import { readDataSource } from "#proxy/transport-socket/data-source";
import type { AdminSource } from "./admin-source.ts";
import { dumpResource } from "./dump-registry.ts";

const DAY_MS = 86_400_000;
const PEM = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

export function certificates(source: AdminSource): JsonObject {
  const { clusters, listeners, secrets } = source.config;
  const now = source.wallMs();
  const found: JsonObject[] = [];
  for (const [type, slots] of [
    [SECRET_TYPE, secrets],
    [CLUSTER_TYPE, clusters],
    [LISTENER_TYPE, listeners],
  ] as const) {
    for (const { bytes } of slots.live) visit(dumpResource(type, bytes), now, found);
  }
  return { certificates: found };
}

/** Contexts stand at many depths: in filter chains, in matches of transport sockets. */
function visit(value: JsonValue, now: number, found: JsonObject[]): void {
  if (typeof value !== "object" || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) visit(item, now, found);
    return;
  }
  const chain = details(value["certificate_chain"], now);
  const authorities = details(value["trusted_ca"], now);
  if (chain.length > 0 || authorities.length > 0) found.push({ ca_cert: authorities, cert_chain: chain });
  for (const item of Object.values(value)) visit(item, now, found);
}

function details(source: JsonValue | undefined, now: number): JsonObject[] {
  if (source === undefined) return [];
  const wire = fromJson(DataSourceSchema, source);
  const path = wire.specifier.case === "filename" ? wire.specifier.value : "<inline>";
  // A file that cannot be read any more holds no certificate to show.
  const pem = readDataSource(wire, "", () => {}) ?? "";
  return (pem.match(PEM) ?? []).map((text) => detail(new X509Certificate(text), path, now));
}

function detail(certificate: X509Certificate, path: string, now: number): JsonObject {
  const names = (certificate.subjectAltName ?? "").split(", ").flatMap((name): JsonObject[] => {
    const [kind, ...rest] = name.split(":");
    const value = rest.join(":");
    if (kind === "DNS") return [{ dns: value }];
    if (kind === "URI") return [{ uri: value }];
    return kind === "IP Address" ? [{ ip_address: value }] : [];
  });
  return {
    path,
    serial_number: certificate.serialNumber.toLowerCase(),
    subject_alt_names: names,
    days_until_expiration: String(Math.max(0, Math.floor((certificate.validToDate.getTime() - now) / DAY_MS))),
    valid_from: seconds(certificate.validFromDate),
    expiration_time: seconds(certificate.validToDate),
  };
}

function seconds(date: Date): string {
  return date.toISOString().replace(/\.000Z$/, "Z");
}
