// Certificates and authorities that are files of the proxy's machine. Istio's agent serves them by their names, and again when they
// change. A proxy without such an agent reads them itself, when the configuration that names them arrives.
import { create } from "@bufbuild/protobuf";
import { DataSourceSchema, type DataSource } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { TlsCertificateSchema, type TlsCertificate } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/common_pb";
import type { ProxyNode } from "#control-plane/mesh/proxy";

export type FileReader = "agent" | "proxy";

/** Where Linux distributions and their images keep the authorities of the operating system. */
const SYSTEM_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt";

/** Our own proxy says which release of Istio it understands, and has no agent that serves files. */
export function fileReaderOf({ istioVersion, metadata }: Pick<ProxyNode, "istioVersion" | "metadata">): FileReader {
  return istioVersion === "" || metadata["MIZZEN_VERSION"] !== undefined ? "proxy" : "agent";
}

export function certificateFiles(certificate: string, privateKey: string): TlsCertificate {
  return create(TlsCertificateSchema, { certificateChain: file(certificate), privateKey: file(privateKey) });
}

/** `system`: those of the operating system. */
export function authoritiesFile(path: string): DataSource {
  return file(path === "system" ? SYSTEM_AUTHORITIES : path);
}

function file(path: string): DataSource {
  return create(DataSourceSchema, { specifier: { case: "filename", value: path } });
}
