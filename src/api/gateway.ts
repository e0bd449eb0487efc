// Gateway: what the proxies at the edge listen to.
import {
  bool,
  enumeration,
  field,
  later,
  limited,
  map,
  message,
  repeated,
  required,
  string,
  uint32,
  wrapped,
  type Decoded,
} from "./declaration.ts";

const port = message("Port", {
  number: required(uint32, "The port's number"),
  protocol: required(string, "HTTP, HTTPS, GRPC, GRPC-WEB, HTTP2, MONGO, TCP, TLS, ..."),
  name: required(string, "A name, unique within the Gateway"),
  targetPort: later(uint32, "Not used by Istio"),
});
export type Port = Decoded<typeof port>;

const tlsProtocol = enumeration(["TLS_AUTO", "TLSV1_0", "TLSV1_1", "TLSV1_2", "TLSV1_3"]);

const tlsCertificate = message("TLSCertificate", {
  serverCertificate: field(string, "A file with the certificate"),
  privateKey: field(string, "A file with the private key"),
  caCertificates: field(string, "A file with the certificates between it and the authority"),
});

const serverTlsMode = enumeration(["PASSTHROUGH", "SIMPLE", "MUTUAL", "AUTO_PASSTHROUGH", "ISTIO_MUTUAL", "OPTIONAL_MUTUAL"]);
export type ServerTLSMode = Decoded<typeof serverTlsMode>;

export const serverTlsSettings = limited(
  message("ServerTLSSettings", {
    httpsRedirect: field(bool, "Answer plain HTTP with the https address"),
    mode: field(serverTlsMode, "Whether TLS ends here, and what the client proves"),
    serverCertificate: field(string, "A file with the server's certificate"),
    privateKey: field(string, "A file with the server's private key"),
    tlsCertificates: field(limited(repeated(tlsCertificate), { minItems: 1, maxItems: 2 }), "Several pairs of certificate and key"),
    caCertificates: field(string, "A file with the authorities that clients are checked against"),
    caCrl: field(string, "A file with revoked certificates"),
    credentialName: field(string, "A Secret with key and certificate"),
    credentialNames: field(
      limited(repeated(string), { minItems: 1, maxItems: 2 }),
      "Secrets with key and certificate, for several key types",
    ),
    caCertCredentialName: field(string, "A Secret with the authorities that clients are checked against"),
    subjectAltNames: field(repeated(string), "Names of which the client's certificate must bear one"),
    verifyCertificateSpki: field(repeated(string), "Hashes of the keys of acceptable client certificates"),
    verifyCertificateHash: field(repeated(string), "Hashes of acceptable client certificates"),
    minProtocolVersion: field(tlsProtocol, "The oldest TLS version"),
    maxProtocolVersion: field(tlsProtocol, "The newest TLS version"),
    cipherSuites: field(repeated(string), "Cipher suites that are offered"),
    ecdhCurves: field(repeated(string), "Curves that are offered"),
    insecureSkipVerify: field(wrapped(bool), "Whether the client's certificate is not checked"),
  }),
  {
    rules: [
      {
        rule: "(has(self.tlsCertificates) ? 1 : 0) + (has(self.credentialNames) ? 1 : 0) <= 1",
        message: "only one of credentialNames or tlsCertificates can be set",
      },
      {
        rule: "(has(self.credentialName) ? 1 : 0) + (has(self.credentialNames) ? 1 : 0) <= 1",
        message: "only one of credentialName or credentialNames can be set",
      },
      {
        rule: "(has(self.credentialNames) ? 1 : 0) + (has(self.tlsCertificates) ? 1 : 0) <= 1",
        message: "only one of credentialName or tlsCertificates can be set",
      },
    ],
  },
);
export type ServerTLSSettings = Decoded<typeof serverTlsSettings>;

export const server = message("Server", {
  port: required(port, "Where it listens"),
  bind: field(string, "The address where it listens; without it all addresses of the proxy"),
  hosts: required(repeated(string), "Names that are served: host or namespace/host, may begin with a wildcard"),
  tls: field(serverTlsSettings, "TLS at this port"),
  defaultEndpoint: later(string, "Not used by Istio"),
  name: field(string, "A name, unique within the Gateway"),
});
export type Server = Decoded<typeof server>;

export const gateway = message("Gateway", {
  servers: field(repeated(server), "What is listened to"),
  selector: field(map(string), "Labels of the proxies that the Gateway is for"),
});
export type GatewaySpec = Decoded<typeof gateway>;
