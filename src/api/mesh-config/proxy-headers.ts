// Headers that the proxies add of their own accord.
import { later, bool, enumeration, field, message, string } from "#api/declaration";

const disabled = { disabled: field(bool, "Whether it is left out") };
const enabled = { enabled: field(bool, "Whether it is added") };

export const forwardClientCertDetails = enumeration([
  "UNDEFINED",
  "SANITIZE",
  "FORWARD_ONLY",
  "APPEND_FORWARD",
  "SANITIZE_SET",
  "ALWAYS_FORWARD_ONLY",
]);

export const proxyHeaders = message("ProxyHeaders", {
  forwardedClientCert: field(forwardClientCertDetails, "What happens to x-forwarded-client-cert"),
  setCurrentClientCertDetails: field(
    message("SetCurrentClientCertDetails", {
      subject: field(bool, "The certificate's subject"),
      cert: field(bool, "The certificate"),
      chain: field(bool, "The certificate and those above it"),
      dns: field(bool, "The DNS names"),
      uri: field(bool, "The URI"),
    }),
    "What x-forwarded-client-cert says of the client",
  ),
  requestId: field(message("RequestId", disabled), "x-request-id"),
  server: field(message("Server", { ...disabled, value: field(string, "Its value") }), "server"),
  attemptCount: field(message("AttemptCount", disabled), "x-envoy-attempt-count"),
  envoyDebugHeaders: field(message("EnvoyDebugHeaders", disabled), "Envoy's own headers"),
  metadataExchangeHeaders: field(
    message("MetadataExchangeHeaders", { mode: field(enumeration(["UNDEFINED", "IN_MESH"]), "To whom they are sent") }),
    "x-envoy-peer-metadata",
  ),
  preserveHttp1HeaderCase: field(bool, "Whether header names keep their upper and lower case"),
  xForwardedHost: later(message("XForwardedHost", enabled), "x-forwarded-host"),
  xForwardedPort: field(message("XForwardedPort", enabled), "x-forwarded-port"),
});
