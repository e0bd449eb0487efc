// TLS towards a destination.
import { bool, enumeration, field, message, repeated, string, wrapped, type Decoded } from "#api/declaration";

const clientTlsMode = enumeration(["DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL"]);
export type ClientTLSMode = Decoded<typeof clientTlsMode>;

export const clientTlsSettings = message("ClientTLSSettings", {
  mode: field(clientTlsMode, "Whether and how connections are encrypted"),
  clientCertificate: field(string, "A file with the client's certificate"),
  privateKey: field(string, "A file with the client's private key"),
  caCertificates: field(string, "A file with the authorities that the server is checked against"),
  credentialName: field(string, "A Secret with key, certificate and authorities"),
  subjectAltNames: field(repeated(string), "Names of which the server's certificate must bear one"),
  sni: field(string, "The server name that is asked for"),
  insecureSkipVerify: field(wrapped(bool), "Whether the server's certificate is not checked"),
  caCrl: field(string, "A file with revoked certificates"),
});
export type ClientTLSSettings = Decoded<typeof clientTlsSettings>;
