// TlsParameters with Envoy's defaults. Names of suites are OpenSSL's on both sides.
import { TlsParameters_TlsProtocol as Protocol } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/common_pb";
import type { TlsParameters } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/common_pb";
import type { ReportViolation } from "#matcher/string-matcher";
import { isKnownCipher } from "#proxy/net/secure-context";
import type { TlsVersion } from "#proxy/net/secure-context";

export interface TlsNegotiation {
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
  readonly ciphers: readonly string[];
  readonly curves: readonly string[];
  readonly signatureAlgorithms: readonly string[];
}

const DEFAULT_CIPHERS = [
  "[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]",
  "[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
];
const DEFAULT_CURVES = ["X25519", "P-256"];
const CURVES = new Set(["X25519", "P-256", "P-384", "P-521", "X25519MLKEM768"]);

const VERSIONS: ReadonlyMap<Protocol, TlsVersion> = new Map([
  [Protocol.TLSv1_0, "TLSv1"],
  [Protocol.TLSv1_1, "TLSv1.1"],
  [Protocol.TLSv1_2, "TLSv1.2"],
  [Protocol.TLSv1_3, "TLSv1.3"],
]);

export function readTlsParameters(
  wire: TlsParameters | undefined,
  side: "client" | "server",
  path: string,
  report: ReportViolation,
): TlsNegotiation {
  const version = (protocol: Protocol | undefined, otherwise: TlsVersion): TlsVersion =>
    VERSIONS.get(protocol ?? Protocol.TLS_AUTO) ?? otherwise;
  const minVersion = version(wire?.tlsMinimumProtocolVersion, "TLSv1.2");
  const maxVersion = version(wire?.tlsMaximumProtocolVersion, side === "server" ? "TLSv1.3" : "TLSv1.2");
  if (minVersion > maxVersion) report(path, `no version is left between ${minVersion} and ${maxVersion}`);
  const given = wire !== undefined && wire.cipherSuites.length > 0 ? wire.cipherSuites : DEFAULT_CIPHERS;
  // [a|b]: as good as each other. OpenSSL knows no such thing; the first is asked for first.
  const ciphers = given.flatMap((suite) => suite.replaceAll(/[[\]]/g, "").split("|"));
  for (const suite of ciphers) if (!isKnownCipher(suite)) report(`${path}.cipher_suites`, `"${suite}" is not a suite that this proxy has`);
  const curves = wire !== undefined && wire.ecdhCurves.length > 0 ? wire.ecdhCurves : DEFAULT_CURVES;
  for (const curve of curves) if (!CURVES.has(curve)) report(`${path}.ecdh_curves`, `"${curve}" is not a curve that this proxy has`);
  return { minVersion, maxVersion, ciphers, curves, signatureAlgorithms: wire?.signatureAlgorithms ?? [] };
}
