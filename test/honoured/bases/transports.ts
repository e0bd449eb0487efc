// Transport sockets, secrets and bootstraps.
import type { JsonObject } from "@bufbuild/protobuf";
import { FakeAuthority } from "#proxy/net/certificates.fake";
import { cluster, extension, listener, socketAddress } from "../base.ts";
import type { Base } from "../base.ts";

const authority = new FakeAuthority();
const [first, second] = [authority.issue({ hosts: ["a.example"] }), authority.issue({ hosts: ["b.example"] })];
const inline = (text: string): JsonObject => ({ inline_string: text });
const certificate = ({ certificate: chain, key }: typeof first): JsonObject => ({
  certificate_chain: inline(chain),
  private_key: inline(key),
});
const echo = extension("envoy.extensions.filters.network.echo.v3.Echo");
const DOWNSTREAM = "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";
const UPSTREAM = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";
const sds = (name: string): JsonObject => ({ name, sds_config: { ads: {}, initial_fetch_timeout: "3s", resource_api_version: "V3" } });
const ticketKeys = (fill: number): JsonObject => ({ keys: [{ inline_bytes: Buffer.alloc(80, fill).toString("base64") }] });
const validation: JsonObject = {
  trusted_ca: inline(authority.root.certificate),
  verify_certificate_spki: ["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="],
  verify_certificate_hash: ["00".repeat(32)],
  match_typed_subject_alt_names: [{ san_type: "URI", matcher: { exact: "a" } }],
  match_subject_alt_names: [{ exact: "a" }],
  crl: inline(authority.revoke(second)),
  trust_chain_verification: "ACCEPT_UNTRUSTED",
};

const downstream = (common: JsonObject, more: JsonObject = {}): Base =>
  listener([], {
    filter_chains: [{ filters: [echo], transport_socket: extension(DOWNSTREAM, { common_tls_context: common, ...more }) }],
  });
const upstream = (common: JsonObject, more: JsonObject = {}): Base =>
  cluster({ transport_socket: extension(UPSTREAM, { common_tls_context: common, ...more }) });

export const TRANSPORT_BASES: readonly Base[] = [
  downstream(
    {
      tls_params: {
        tls_minimum_protocol_version: "TLSv1_2",
        tls_maximum_protocol_version: "TLSv1_3",
        cipher_suites: ["ECDHE-RSA-AES128-GCM-SHA256"],
        ecdh_curves: ["P-384"],
        signature_algorithms: ["rsa_pss_rsae_sha256"],
      },
      tls_certificates: [certificate(first), { ...certificate(second), password: inline("p") }],
      validation_context: validation,
      alpn_protocols: ["h2"],
    },
    { require_client_certificate: true, require_sni: true, disable_stateless_session_resumption: true, session_timeout: "5s" },
  ),
  downstream({ tls_certificate_sds_secret_configs: [sds("a")], validation_context_sds_secret_config: sds("b") }),
  downstream(
    { tls_certificates: [certificate(first), certificate(second)] },
    { session_ticket_keys: ticketKeys(1), full_scan_certs_on_sni_mismatch: true },
  ),
  downstream({ tls_certificates: [certificate(first)] }, { session_ticket_keys_sds_secret_config: sds("t") }),
  downstream({
    tls_certificate_sds_secret_configs: [sds("a")],
    combined_validation_context: {
      default_validation_context: { match_subject_alt_names: [{ exact: "a" }] },
      validation_context_sds_secret_config: sds("b"),
    },
  }),
  upstream(
    { alpn_protocols: ["h2"], validation_context: { trusted_ca: inline(authority.root.certificate) } },
    { sni: "s", max_session_keys: 0 },
  ),
  cluster({
    transport_socket: extension("envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport", {
      config: { version: "V2" },
      transport_socket: extension("envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer"),
    }),
  }),
  cluster({
    transport_socket_matches: [{ name: "m", match: { a: "b" }, transport_socket: extension(UPSTREAM, { sni: "s" }) }],
    transport_socket: extension("envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer"),
  }),
  { kind: "secret", json: { name: "s", tls_certificate: certificate(first) } },
  { kind: "secret", json: { name: "s", validation_context: validation } },
  { kind: "secret", json: { name: "s", session_ticket_keys: ticketKeys(2) } },
  {
    kind: "bootstrap",
    json: {
      node: { id: "n", cluster: "c" },
      admin: { address: socketAddress(9000), profile_path: "/tmp/p" },
      static_resources: {
        clusters: ["xds", "c"].map((name) => ({
          name,
          load_assignment: { endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(1) } }] }] },
        })),
        listeners: [{ name: "l", address: socketAddress(2), filter_chains: [{ filters: [echo] }] }],
        secrets: [{ name: "s", tls_certificate: certificate(first) }],
      },
      dynamic_resources: {
        ads_config: {
          api_type: "GRPC",
          grpc_services: [{ envoy_grpc: { cluster_name: "xds" } }],
          transport_api_version: "V3",
          set_node_on_first_message_only: true,
        },
        cds_config: { ads: {} },
        lds_config: { path_config_source: { path: "/tmp/lds", watched_directory: { path: "/tmp" } } },
      },
      cluster_manager: {
        local_cluster_name: "c",
        outlier_detection: { event_log_path: "/tmp/o" },
        upstream_bind_config: { source_address: { address: "127.0.0.1", port_value: 0 } },
      },
      layered_runtime: {
        layers: [
          { name: "a", admin_layer: {} },
          { name: "b", static_layer: { a: 1 } },
          { name: "c", disk_layer: { symlink_root: "/tmp/r", subdirectory: "s", append_service_cluster: true } },
          { name: "d", rtds_layer: { name: "r", rtds_config: { path_config_source: { path: "/tmp/rtds" }, initial_fetch_timeout: "3s" } } },
        ],
      },
      stats_config: { stats_matcher: { inclusion_list: { patterns: [{ prefix: "a" }] } } },
      stats_flush_interval: "5s",
    },
  },
  { kind: "bootstrap", json: { stats_config: { stats_matcher: { exclusion_list: { patterns: [{ prefix: "a" }] } } } } },
  { kind: "bootstrap", json: { stats_config: { stats_matcher: { reject_all: true } } } },
  { kind: "bootstrap", json: { layered_runtime: { layers: [{ name: "a", static_layer: { a: 1 } }] } } },
  {
    kind: "bootstrap",
    json: {
      node: { id: "n" },
      static_resources: {
        clusters: [
          {
            name: "xds",
            type: "STATIC",
            load_assignment: { endpoints: [{ lb_endpoints: [{ endpoint: { address: { pipe: { path: "/tmp/s" } } } }] }] },
          },
        ],
      },
      dynamic_resources: {
        lds_config: { api_config_source: { api_type: "GRPC", grpc_services: [{ envoy_grpc: { cluster_name: "xds" } }] } },
      },
    },
  },
];
