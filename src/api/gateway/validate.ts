// Istio's rules for a Gateway.
import type { GatewaySpec, Server, ServerTLSSettings } from "#api/gateway";
import { gatewayHostFault, isDnsLabel, isIpAddress, portFault, unixPathFault, unixPrefix } from "#api/validation/names";
import { cipherSuites, ecdhCurves } from "./cipher-suites.ts";
import type { Check } from "#api/validation/violations";

const httpProtocols: ReadonlySet<string> = new Set(["http", "http2", "http_proxy", "grpc", "grpc-web"]);
const tlsProtocols: ReadonlySet<string> = new Set(["https", "tls"]);
const otherProtocols: ReadonlySet<string> = new Set(["tcp", "udp", "mongo", "redis", "mysql"]);

export function validateGateway(spec: GatewaySpec, check: Check): void {
  // Made from an object of the Gateway API, whose names may have dots.
  const made = check.object.annotations?.["internal.istio.io/gateway-semantics"] === "gateway";
  if (!made && !isDnsLabel(check.object.name))
    check.error(`${JSON.stringify(check.object.name)} is no name for a Gateway`, "use letters, digits and -");
  const servers = spec.servers ?? [];
  if (servers.length === 0) check.at("servers").error("a Gateway needs at least one server");
  const names = new Set<string>();
  for (const [index, server] of servers.entries()) {
    const at = check.at("servers", index);
    checkServer(server, made, at);
    const name = server.port.name ?? "";
    if (name !== "" && names.has(name))
      at.at("port", "name").error(`port name ${JSON.stringify(name)} stands twice`, "give each server's port its own name");
    names.add(name);
  }
}

function checkServer(server: Server, made: boolean, check: Check): void {
  if (server.hosts.length === 0) check.at("hosts").error("a server needs at least one host", 'write "*" for all');
  for (const [index, host] of server.hosts.entries()) {
    // ~/host is for nobody yet: no route refers to it.
    const shown = made && host.startsWith("~/") ? host.slice(2) : host;
    check.at("hosts", index).refuse(gatewayHostFault(shown));
  }
  checkPort(server, check.at("port"));
  checkBind(server, check.at("bind"));
  const protocol = server.port.protocol.toLowerCase();
  const { tls } = server;
  if (tls === undefined) {
    if (tlsProtocols.has(protocol)) check.error(`protocol ${server.port.protocol} needs tls settings`, "add tls");
    return;
  }
  checkTls(tls, check.at("tls"));
  if (tlsProtocols.has(protocol)) {
    if (tls.httpsRedirect === true) check.at("tls", "httpsRedirect").warning("only answers plain HTTP; this server speaks TLS");
    return;
  }
  if (!httpProtocols.has(protocol)) {
    check.at("tls").error(`protocol ${server.port.protocol} cannot have tls settings`, "use HTTPS or TLS");
    if (tls.httpsRedirect === true) check.at("tls", "httpsRedirect").warning("only answers plain HTTP");
    return;
  }
  // PASSTHROUGH is the mode that a plain httpsRedirect has.
  const passes = tls.mode === undefined || tls.mode === "PASSTHROUGH" || tls.mode === "AUTO_PASSTHROUGH";
  if (!passes || written(tls.caCertificates) || written(tls.privateKey) || written(tls.serverCertificate)) {
    check.at("tls").error(`protocol ${server.port.protocol} cannot have tls settings other than httpsRedirect`, "use HTTPS");
  }
}

function checkPort(server: Server, check: Check): void {
  const { port } = server;
  const protocol = port.protocol.toLowerCase();
  if (!httpProtocols.has(protocol) && !tlsProtocols.has(protocol) && !otherProtocols.has(protocol)) {
    check
      .at("protocol")
      .error(`${JSON.stringify(port.protocol)} is no protocol`, "use HTTP, HTTPS, HTTP2, GRPC, GRPC-WEB, TLS, TCP, MONGO, REDIS or MYSQL");
  }
  const unix = server.bind?.startsWith(unixPrefix) === true;
  if (port.number > 0 || !unix) check.at("number").refuse(portFault(port.number));
  if ((port.targetPort ?? 0) > 0) check.at("targetPort").error("has no meaning in a Gateway", "remove it");
  if (!written(port.name)) check.at("name").error("a port needs a name", "add name, for example http");
}

function checkBind(server: Server, check: Check): void {
  const bind = server.bind ?? "";
  if (bind === "") return;
  if (!bind.startsWith(unixPrefix)) {
    if (!isIpAddress(bind)) check.error(`${JSON.stringify(bind)} is no IP address`);
    return;
  }
  check.refuse(unixPathFault(bind.slice(unixPrefix.length)));
  if (server.port.number !== 0) check.error("a unix socket has no port", "set port.number to 0");
}

function written(text: string | undefined): boolean {
  return text !== undefined && text !== "";
}

export function checkTls(tls: ServerTLSSettings, check: Check): void {
  const mode = tls.mode ?? "PASSTHROUGH";
  const oldVersion = tls.minProtocolVersion === "TLSV1_0" || tls.minProtocolVersion === "TLSV1_1";
  if (oldVersion && (tls.cipherSuites ?? []).length === 0) {
    check.at("minProtocolVersion").warning("TLS below 1.2 needs cipherSuites that still allow it");
  }
  checkKnownOnce(tls.cipherSuites ?? [], cipherSuites, "cipher suite", check.at("cipherSuites"));
  checkKnownOnce(tls.ecdhCurves ?? [], ecdhCurves, "curve", check.at("ecdhCurves"));
  const credentials = tls.credentialNames ?? [];
  const certificates = tls.tlsCertificates ?? [];
  if (mode === "ISTIO_MUTUAL") {
    for (const field of ["serverCertificate", "privateKey", "caCertificates", "credentialName"] as const) {
      if (written(tls[field])) check.at(field).error("ISTIO_MUTUAL brings its own certificates", "remove it");
    }
    if (certificates.length > 0) check.at("tlsCertificates").error("ISTIO_MUTUAL brings its own certificates", "remove it");
    if (credentials.length > 0) check.at("credentialNames").error("ISTIO_MUTUAL brings its own certificates", "remove it");
    return;
  }
  const files = written(tls.serverCertificate) && written(tls.privateKey);
  const named = written(tls.credentialName) || credentials.length > 0;
  if (mode === "PASSTHROUGH" || mode === "AUTO_PASSTHROUGH") {
    const any = named || certificates.length > 0 || [tls.caCrl, tls.serverCertificate, tls.privateKey, tls.caCertificates].some(written);
    if (any) check.at("mode").warning(`${mode} uses no certificates: those given are ignored`);
  }
  const sources = [files, written(tls.credentialName), credentials.length > 0, certificates.length > 0].filter(Boolean).length;
  if (sources > 1) {
    check.error("certificates come from one place: credentialName, credentialNames, serverCertificate with privateKey, or tlsCertificates");
  }
  const ends = mode === "SIMPLE" || mode === "MUTUAL" || mode === "OPTIONAL_MUTUAL";
  if (ends && named) return;
  if (ends) checkCertificateFiles(tls, mode, check);
  if (written(tls.caCrl)) {
    if (written(tls.credentialName)) check.at("caCrl").error("with credentialName the revocations belong into the Secret");
    if (mode === "SIMPLE") check.at("caCrl").error("SIMPLE checks no client certificate");
  }
}

/** Unknown and repeated entries are left out by Istio, not refused. */
export function checkKnownOnce(written: readonly string[], known: ReadonlySet<string>, noun: string, check: Check): void {
  const seen = new Set<string>();
  for (const [index, name] of written.entries()) {
    if (!known.has(name)) check.at(index).warning(`${JSON.stringify(name)} is no ${noun} and is left out`);
    else if (seen.has(name)) check.at(index).warning(`${JSON.stringify(name)} stands twice`);
    seen.add(name);
  }
}

function checkCertificateFiles(tls: ServerTLSSettings, mode: string, check: Check): void {
  if (mode !== "SIMPLE" && !written(tls.caCertificates))
    check.at("caCertificates").error(`${mode} needs authorities to check clients against`);
  const several = tls.tlsCertificates ?? [];
  if (several.length > 2) check.at("tlsCertificates").warning("only two certificates are used");
  const pairs = several.length > 0 ? several : [tls];
  for (const [index, pair] of pairs.entries()) {
    const at = several.length > 0 ? check.at("tlsCertificates", index) : check;
    if (!written(pair.serverCertificate))
      at.at("serverCertificate").error(`${mode} needs a certificate`, "add credentialName or serverCertificate");
    if (!written(pair.privateKey)) at.at("privateKey").error(`${mode} needs a private key`, "add credentialName or privateKey");
  }
}
