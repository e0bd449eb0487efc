import { honoured, harmless } from "./rows.ts";
import type { FieldTable } from "./rows.ts";

export const TRANSPORT_SOCKET_FIELDS: FieldTable = {
  "envoy.config.core.v3.ProxyProtocolConfig": [
    honoured("src/proxy/route/upgrade-config.test.ts", "version"),
    honoured("test/interop/listeners.test.ts", "pass_through_tlvs"),
  ],
  "envoy.config.core.v3.ProxyProtocolPassThroughTLVs": [honoured("test/interop/listeners.test.ts", "match_type", "tlv_type")],
  "envoy.config.core.v3.TransportSocket": [
    harmless("of the extension, whose type decides", "name"),
    honoured("src/proxy/transport-socket/upstream-transport.test.ts", "typed_config"),
  ],
  "envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport": [
    honoured("src/proxy/transport-socket/upstream-transport.test.ts", "config", "transport_socket"),
  ],
  "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer": [],
  "envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext": [
    honoured(
      "src/proxy/transport-socket/upstream-transport.test.ts",
      "trusted_ca",
      "match_typed_subject_alt_names",
      "match_subject_alt_names",
    ),
    honoured("src/proxy/listener/tls.test.ts", "verify_certificate_spki", "verify_certificate_hash", "crl", "trust_chain_verification"),
    harmless("false is what happens; true is refused", "require_signed_certificate_timestamp"),
  ],
  "envoy.extensions.transport_sockets.tls.v3.CommonTlsContext": [
    honoured(
      "src/proxy/transport-socket/upstream-transport.test.ts",
      "tls_params",
      "tls_certificates",
      "tls_certificate_sds_secret_configs",
      "validation_context",
      "alpn_protocols",
    ),
    honoured("src/proxy/listener/tls.test.ts", "validation_context_sds_secret_config", "combined_validation_context"),
  ],
  "envoy.extensions.transport_sockets.tls.v3.CommonTlsContext.CombinedCertificateValidationContext": [
    honoured("src/proxy/listener/tls.test.ts", "default_validation_context", "validation_context_sds_secret_config"),
  ],
  "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext": [
    honoured(
      "src/proxy/listener/tls.test.ts",
      "require_client_certificate",
      "require_sni",
      "disable_stateless_session_resumption",
      "session_timeout",
    ),
    honoured(
      "src/proxy/listener/tls.test.ts",
      "full_scan_certs_on_sni_mismatch",
      "session_ticket_keys",
      "session_ticket_keys_sds_secret_config",
    ),
    harmless("sessions without tickets are never kept", "disable_stateful_session_resumption"),
    harmless("without OCSP responses LENIENT_STAPLING is what happens; the others are refused", "ocsp_staple_policy"),
    honoured("src/proxy/admin/dump-registry.test.ts", "common_tls_context"),
  ],
  "envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig": [
    honoured("src/proxy/transport-socket/upstream-transport.test.ts", "sds_config", "name"),
  ],
  "envoy.extensions.transport_sockets.tls.v3.Secret": [
    honoured("src/proxy/transport-socket/upstream-transport.test.ts", "tls_certificate", "validation_context", "name"),
    honoured("src/proxy/listener/tls.test.ts", "session_ticket_keys"),
  ],
  "envoy.extensions.transport_sockets.tls.v3.SubjectAltNameMatcher": [
    honoured("src/proxy/transport-socket/upstream-transport.test.ts", "san_type", "matcher"),
  ],
  "envoy.extensions.transport_sockets.tls.v3.TlsCertificate": [
    honoured("src/proxy/transport-socket/upstream-transport.test.ts", "certificate_chain", "private_key"),
    honoured("src/proxy/admin/dump-registry.test.ts", "password"),
  ],
  "envoy.extensions.transport_sockets.tls.v3.TlsParameters": [
    honoured("src/proxy/listener/tls.test.ts", "tls_minimum_protocol_version", "cipher_suites", "ecdh_curves", "signature_algorithms"),
    honoured("src/proxy/transport-socket/upstream-transport.test.ts", "tls_maximum_protocol_version"),
  ],
  "envoy.extensions.transport_sockets.tls.v3.TlsSessionTicketKeys": [honoured("src/proxy/listener/tls.test.ts", "keys")],
  "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext": [
    honoured("src/proxy/transport-socket/upstream-transport.test.ts", "common_tls_context", "sni"),
    harmless("true is what happens; false is refused", "enforce_rsa_key_usage"),
    honoured("src/proxy/transport-socket/upstream-sessions.test.ts", "max_session_keys"),
  ],
};
