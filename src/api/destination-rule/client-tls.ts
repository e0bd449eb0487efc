// TLS towards a destination.
import { bool, enumeration, field, later, message, repeated, string, wrapped, type Decoded } from "#api/declaration";

const clientTlsMode = enumeration(["DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL"], {
  SIMPLE: "proxies cannot encrypt, and nothing is sent in the clear: requests fail with 503",
  MUTUAL: "proxies cannot encrypt, and nothing is sent in the clear: requests fail with 503",
});
export type ClientTLSMode = Decoded<typeof clientTlsMode>;

export const clientTlsSettings = message("ClientTLSSettings", {
  mode: field(clientTlsMode, "Whether and how connections are encrypted"),
  clientCertificate: later(string, "A file with the client's certificate"),
  privateKey: later(string, "A file with the client's private key"),
  caCertificates: later(string, "A file with the authorities that the server is checked against"),
  credentialName: later(string, "A Secret with key, certificate and authorities"),
  subjectAltNames: later(repeated(string), "Names of which the server's certificate must bear one"),
  sni: later(string, "The server name that is asked for"),
  insecureSkipVerify: later(wrapped(bool), "Whether the server's certificate is not checked"),
  caCrl: later(string, "A file with revoked certificates"),
});
export type ClientTLSSettings = Decoded<typeof clientTlsSettings>;
