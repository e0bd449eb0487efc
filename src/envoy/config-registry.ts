// Every type that may stand in an Any of configuration that we write or accept, so that dumps show fields and not bytes.
import { file_envoy_config_cluster_v3_cluster } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { file_envoy_config_endpoint_v3_endpoint } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import { file_envoy_config_listener_v3_listener } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { file_envoy_config_route_v3_route_components } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { file_envoy_config_route_v3_route } from "#envoy/gen/envoy/config/route/v3/route_pb";
import { file_envoy_config_upstream_local_address_selector_v3_default_local_address_selector } from "#envoy/gen/envoy/config/upstream/local_address_selector/v3/default_local_address_selector_pb";
import { file_envoy_extensions_access_loggers_file_v3_file } from "#envoy/gen/envoy/extensions/access_loggers/file/v3/file_pb";
import { file_envoy_extensions_access_loggers_grpc_v3_als } from "#envoy/gen/envoy/extensions/access_loggers/grpc/v3/als_pb";
import { file_envoy_extensions_access_loggers_stream_v3_stream } from "#envoy/gen/envoy/extensions/access_loggers/stream/v3/stream_pb";
import { file_envoy_extensions_clusters_dynamic_forward_proxy_v3_cluster } from "#envoy/gen/envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster_pb";
import { file_envoy_extensions_filters_http_cors_v3_cors } from "#envoy/gen/envoy/extensions/filters/http/cors/v3/cors_pb";
import { file_envoy_extensions_filters_http_dynamic_forward_proxy_v3_dynamic_forward_proxy } from "#envoy/gen/envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy_pb";
import { file_envoy_extensions_filters_http_fault_v3_fault } from "#envoy/gen/envoy/extensions/filters/http/fault/v3/fault_pb";
import { file_envoy_extensions_filters_http_grpc_stats_v3_config } from "#envoy/gen/envoy/extensions/filters/http/grpc_stats/v3/config_pb";
import { file_envoy_extensions_filters_http_grpc_web_v3_grpc_web } from "#envoy/gen/envoy/extensions/filters/http/grpc_web/v3/grpc_web_pb";
import { file_envoy_extensions_filters_http_router_v3_router } from "#envoy/gen/envoy/extensions/filters/http/router/v3/router_pb";
import { file_envoy_extensions_filters_http_upstream_codec_v3_upstream_codec } from "#envoy/gen/envoy/extensions/filters/http/upstream_codec/v3/upstream_codec_pb";
import { file_envoy_extensions_filters_listener_http_inspector_v3_http_inspector } from "#envoy/gen/envoy/extensions/filters/listener/http_inspector/v3/http_inspector_pb";
import { file_envoy_extensions_filters_listener_original_dst_v3_original_dst } from "#envoy/gen/envoy/extensions/filters/listener/original_dst/v3/original_dst_pb";
import { file_envoy_extensions_filters_listener_original_src_v3_original_src } from "#envoy/gen/envoy/extensions/filters/listener/original_src/v3/original_src_pb";
import { file_envoy_extensions_filters_listener_proxy_protocol_v3_proxy_protocol } from "#envoy/gen/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol_pb";
import { file_envoy_extensions_filters_listener_tls_inspector_v3_tls_inspector } from "#envoy/gen/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb";
import { file_envoy_extensions_filters_network_http_connection_manager_v3_http_connection_manager } from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import { file_envoy_extensions_filters_network_mongo_proxy_v3_mongo_proxy } from "#envoy/gen/envoy/extensions/filters/network/mongo_proxy/v3/mongo_proxy_pb";
import { file_envoy_extensions_filters_network_sni_dynamic_forward_proxy_v3_sni_dynamic_forward_proxy } from "#envoy/gen/envoy/extensions/filters/network/sni_dynamic_forward_proxy/v3/sni_dynamic_forward_proxy_pb";
import { file_envoy_extensions_filters_network_tcp_proxy_v3_tcp_proxy } from "#envoy/gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb";
import { file_envoy_extensions_formatter_req_without_query_v3_req_without_query } from "#envoy/gen/envoy/extensions/formatter/req_without_query/v3/req_without_query_pb";
import { file_envoy_extensions_http_header_formatters_preserve_case_v3_preserve_case } from "#envoy/gen/envoy/extensions/http/header_formatters/preserve_case/v3/preserve_case_pb";
import { file_envoy_extensions_network_dns_resolver_cares_v3_cares_dns_resolver } from "#envoy/gen/envoy/extensions/network/dns_resolver/cares/v3/cares_dns_resolver_pb";
import { file_envoy_extensions_request_id_uuid_v3_uuid } from "#envoy/gen/envoy/extensions/request_id/uuid/v3/uuid_pb";
import { file_envoy_extensions_retry_host_previous_hosts_v3_previous_hosts } from "#envoy/gen/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb";
import { file_envoy_extensions_retry_priority_previous_priorities_v3_previous_priorities_config } from "#envoy/gen/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config_pb";
import { file_envoy_extensions_transport_sockets_proxy_protocol_v3_upstream_proxy_protocol } from "#envoy/gen/envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol_pb";
import { file_envoy_extensions_transport_sockets_raw_buffer_v3_raw_buffer } from "#envoy/gen/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb";
import { file_envoy_extensions_transport_sockets_tls_v3_secret } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb";
import { file_envoy_extensions_transport_sockets_tls_v3_tls } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb";
import { file_envoy_extensions_upstreams_http_v3_http_protocol_options } from "#envoy/gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb";
import { file_envoy_extensions_filters_http_bandwidth_limit_v3_bandwidth_limit } from "#envoy/gen/envoy/extensions/filters/http/bandwidth_limit/v3/bandwidth_limit_pb";
import { file_envoy_extensions_filters_http_basic_auth_v3_basic_auth } from "#envoy/gen/envoy/extensions/filters/http/basic_auth/v3/basic_auth_pb";
import { file_envoy_extensions_filters_http_buffer_v3_buffer } from "#envoy/gen/envoy/extensions/filters/http/buffer/v3/buffer_pb";
import { file_envoy_extensions_filters_http_compressor_v3_compressor } from "#envoy/gen/envoy/extensions/filters/http/compressor/v3/compressor_pb";
import { file_envoy_extensions_filters_http_csrf_v3_csrf } from "#envoy/gen/envoy/extensions/filters/http/csrf/v3/csrf_pb";
import { file_envoy_extensions_filters_http_decompressor_v3_decompressor } from "#envoy/gen/envoy/extensions/filters/http/decompressor/v3/decompressor_pb";
import { file_envoy_extensions_filters_http_header_mutation_v3_header_mutation } from "#envoy/gen/envoy/extensions/filters/http/header_mutation/v3/header_mutation_pb";
import { file_envoy_extensions_filters_http_header_to_metadata_v3_header_to_metadata } from "#envoy/gen/envoy/extensions/filters/http/header_to_metadata/v3/header_to_metadata_pb";
import { file_envoy_extensions_filters_http_health_check_v3_health_check } from "#envoy/gen/envoy/extensions/filters/http/health_check/v3/health_check_pb";
import { file_envoy_extensions_filters_http_local_ratelimit_v3_local_rate_limit } from "#envoy/gen/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit_pb";
import { file_envoy_extensions_filters_http_on_demand_v3_on_demand } from "#envoy/gen/envoy/extensions/filters/http/on_demand/v3/on_demand_pb";
import { file_envoy_extensions_filters_http_set_filter_state_v3_set_filter_state } from "#envoy/gen/envoy/extensions/filters/http/set_filter_state/v3/set_filter_state_pb";
import { file_envoy_extensions_filters_http_set_metadata_v3_set_metadata } from "#envoy/gen/envoy/extensions/filters/http/set_metadata/v3/set_metadata_pb";
import { file_envoy_extensions_filters_http_stateful_session_v3_stateful_session } from "#envoy/gen/envoy/extensions/filters/http/stateful_session/v3/stateful_session_pb";
import { file_envoy_extensions_filters_network_connection_limit_v3_connection_limit } from "#envoy/gen/envoy/extensions/filters/network/connection_limit/v3/connection_limit_pb";
import { file_envoy_extensions_filters_network_direct_response_v3_config } from "#envoy/gen/envoy/extensions/filters/network/direct_response/v3/config_pb";
import { file_envoy_extensions_filters_network_echo_v3_echo } from "#envoy/gen/envoy/extensions/filters/network/echo/v3/echo_pb";
import { file_envoy_extensions_filters_network_local_ratelimit_v3_local_rate_limit } from "#envoy/gen/envoy/extensions/filters/network/local_ratelimit/v3/local_rate_limit_pb";
import { file_envoy_extensions_filters_network_rbac_v3_rbac } from "#envoy/gen/envoy/extensions/filters/network/rbac/v3/rbac_pb";
import { file_envoy_extensions_filters_network_set_filter_state_v3_set_filter_state } from "#envoy/gen/envoy/extensions/filters/network/set_filter_state/v3/set_filter_state_pb";
import { file_envoy_extensions_filters_network_sni_cluster_v3_sni_cluster } from "#envoy/gen/envoy/extensions/filters/network/sni_cluster/v3/sni_cluster_pb";
import { file_envoy_extensions_compression_gzip_compressor_v3_gzip } from "#envoy/gen/envoy/extensions/compression/gzip/compressor/v3/gzip_pb";
import { file_envoy_extensions_compression_gzip_decompressor_v3_gzip } from "#envoy/gen/envoy/extensions/compression/gzip/decompressor/v3/gzip_pb";
import { file_envoy_extensions_compression_brotli_compressor_v3_brotli } from "#envoy/gen/envoy/extensions/compression/brotli/compressor/v3/brotli_pb";
import { file_envoy_extensions_compression_brotli_decompressor_v3_brotli } from "#envoy/gen/envoy/extensions/compression/brotli/decompressor/v3/brotli_pb";
import { file_envoy_extensions_compression_zstd_compressor_v3_zstd } from "#envoy/gen/envoy/extensions/compression/zstd/compressor/v3/zstd_pb";
import { file_envoy_extensions_compression_zstd_decompressor_v3_zstd } from "#envoy/gen/envoy/extensions/compression/zstd/decompressor/v3/zstd_pb";
import { file_envoy_extensions_http_stateful_session_cookie_v3_cookie } from "#envoy/gen/envoy/extensions/http/stateful_session/cookie/v3/cookie_pb";
import { file_envoy_extensions_http_stateful_session_header_v3_header } from "#envoy/gen/envoy/extensions/http/stateful_session/header/v3/header_pb";
import { file_envoy_extensions_http_early_header_mutation_header_mutation_v3_header_mutation } from "#envoy/gen/envoy/extensions/http/early_header_mutation/header_mutation/v3/header_mutation_pb";
import { file_envoy_extensions_internal_redirect_previous_routes_v3_previous_routes_config } from "#envoy/gen/envoy/extensions/internal_redirect/previous_routes/v3/previous_routes_config_pb";
import { file_envoy_extensions_path_match_uri_template_v3_uri_template_match } from "#envoy/gen/envoy/extensions/path/match/uri_template/v3/uri_template_match_pb";
import { file_envoy_extensions_path_rewrite_uri_template_v3_uri_template_rewrite } from "#envoy/gen/envoy/extensions/path/rewrite/uri_template/v3/uri_template_rewrite_pb";
import { file_envoy_extensions_health_check_event_sinks_file_v3_file } from "#envoy/gen/envoy/extensions/health_check/event_sinks/file/v3/file_pb";
import { file_envoy_extensions_http_original_ip_detection_custom_header_v3_custom_header } from "#envoy/gen/envoy/extensions/http/original_ip_detection/custom_header/v3/custom_header_pb";
import { file_envoy_extensions_http_original_ip_detection_xff_v3_xff } from "#envoy/gen/envoy/extensions/http/original_ip_detection/xff/v3/xff_pb";
import { file_envoy_extensions_load_balancing_policies_cluster_provided_v3_cluster_provided } from "#envoy/gen/envoy/extensions/load_balancing_policies/cluster_provided/v3/cluster_provided_pb";
import { file_envoy_extensions_load_balancing_policies_least_request_v3_least_request } from "#envoy/gen/envoy/extensions/load_balancing_policies/least_request/v3/least_request_pb";
import { file_envoy_extensions_load_balancing_policies_maglev_v3_maglev } from "#envoy/gen/envoy/extensions/load_balancing_policies/maglev/v3/maglev_pb";
import { file_envoy_extensions_load_balancing_policies_random_v3_random } from "#envoy/gen/envoy/extensions/load_balancing_policies/random/v3/random_pb";
import { file_envoy_extensions_load_balancing_policies_ring_hash_v3_ring_hash } from "#envoy/gen/envoy/extensions/load_balancing_policies/ring_hash/v3/ring_hash_pb";
import { file_envoy_extensions_load_balancing_policies_round_robin_v3_round_robin } from "#envoy/gen/envoy/extensions/load_balancing_policies/round_robin/v3/round_robin_pb";
import { file_envoy_extensions_load_balancing_policies_subset_v3_subset } from "#envoy/gen/envoy/extensions/load_balancing_policies/subset/v3/subset_pb";
import { file_envoy_extensions_load_balancing_policies_wrr_locality_v3_wrr_locality } from "#envoy/gen/envoy/extensions/load_balancing_policies/wrr_locality/v3/wrr_locality_pb";
import { file_envoy_extensions_internal_redirect_allow_listed_routes_v3_allow_listed_routes_config } from "#envoy/gen/envoy/extensions/internal_redirect/allow_listed_routes/v3/allow_listed_routes_config_pb";
import { file_envoy_extensions_internal_redirect_safe_cross_scheme_v3_safe_cross_scheme_config } from "#envoy/gen/envoy/extensions/internal_redirect/safe_cross_scheme/v3/safe_cross_scheme_config_pb";
import { file_envoy_extensions_retry_host_omit_canary_hosts_v3_omit_canary_hosts } from "#envoy/gen/envoy/extensions/retry/host/omit_canary_hosts/v3/omit_canary_hosts_pb";
import { file_envoy_extensions_retry_host_omit_host_metadata_v3_omit_host_metadata_config } from "#envoy/gen/envoy/extensions/retry/host/omit_host_metadata/v3/omit_host_metadata_config_pb";
import { file_istio_alpn } from "#envoy/gen/istio/alpn_pb";
import { file_istio_stats } from "#envoy/gen/istio/stats_pb";
import { file_envoy_extensions_matching_common_inputs_network_v3_network_inputs } from "#envoy/gen/envoy/extensions/matching/common_inputs/network/v3/network_inputs_pb";
import { file_envoy_extensions_matching_common_inputs_ssl_v3_ssl_inputs } from "#envoy/gen/envoy/extensions/matching/common_inputs/ssl/v3/ssl_inputs_pb";
import { file_envoy_extensions_matching_input_matchers_ip_v3_ip } from "#envoy/gen/envoy/extensions/matching/input_matchers/ip/v3/ip_pb";
import { file_xds_type_matcher_v3_domain } from "#envoy/gen/xds/type/matcher/v3/domain_pb";
import { file_xds_type_matcher_v3_ip } from "#envoy/gen/xds/type/matcher/v3/ip_pb";
import { file_google_protobuf_wrappers } from "@bufbuild/protobuf/wkt";
import { file_envoy_config_rbac_v3_rbac } from "#envoy/gen/envoy/config/rbac/v3/rbac_pb";
import { file_udpa_type_v1_typed_struct } from "#envoy/gen/udpa/type/v1/typed_struct_pb";
import { registryOf } from "./any.ts";

export const configRegistry = registryOf(
  file_envoy_config_upstream_local_address_selector_v3_default_local_address_selector,
  file_envoy_extensions_health_check_event_sinks_file_v3_file,
  file_envoy_extensions_http_original_ip_detection_custom_header_v3_custom_header,
  file_envoy_extensions_http_original_ip_detection_xff_v3_xff,
  file_envoy_extensions_load_balancing_policies_cluster_provided_v3_cluster_provided,
  file_envoy_extensions_load_balancing_policies_least_request_v3_least_request,
  file_envoy_extensions_load_balancing_policies_maglev_v3_maglev,
  file_envoy_extensions_load_balancing_policies_random_v3_random,
  file_envoy_extensions_load_balancing_policies_ring_hash_v3_ring_hash,
  file_envoy_extensions_load_balancing_policies_round_robin_v3_round_robin,
  file_envoy_extensions_load_balancing_policies_subset_v3_subset,
  file_envoy_extensions_load_balancing_policies_wrr_locality_v3_wrr_locality,
  file_envoy_extensions_internal_redirect_allow_listed_routes_v3_allow_listed_routes_config,
  file_envoy_extensions_internal_redirect_safe_cross_scheme_v3_safe_cross_scheme_config,
  file_envoy_extensions_retry_host_omit_canary_hosts_v3_omit_canary_hosts,
  file_envoy_extensions_retry_host_omit_host_metadata_v3_omit_host_metadata_config,
  file_envoy_extensions_internal_redirect_previous_routes_v3_previous_routes_config,
  file_envoy_extensions_path_match_uri_template_v3_uri_template_match,
  file_envoy_extensions_path_rewrite_uri_template_v3_uri_template_rewrite,
  file_envoy_extensions_filters_http_bandwidth_limit_v3_bandwidth_limit,
  file_envoy_extensions_filters_http_basic_auth_v3_basic_auth,
  file_envoy_extensions_filters_http_buffer_v3_buffer,
  file_envoy_extensions_filters_http_compressor_v3_compressor,
  file_envoy_extensions_filters_http_csrf_v3_csrf,
  file_envoy_extensions_filters_http_decompressor_v3_decompressor,
  file_envoy_extensions_filters_http_header_mutation_v3_header_mutation,
  file_envoy_extensions_filters_http_header_to_metadata_v3_header_to_metadata,
  file_envoy_extensions_filters_http_health_check_v3_health_check,
  file_envoy_extensions_filters_http_local_ratelimit_v3_local_rate_limit,
  file_envoy_extensions_filters_http_on_demand_v3_on_demand,
  file_envoy_extensions_filters_http_set_filter_state_v3_set_filter_state,
  file_envoy_extensions_filters_http_set_metadata_v3_set_metadata,
  file_envoy_extensions_filters_http_stateful_session_v3_stateful_session,
  file_envoy_extensions_filters_network_connection_limit_v3_connection_limit,
  file_envoy_extensions_filters_network_direct_response_v3_config,
  file_envoy_extensions_filters_network_echo_v3_echo,
  file_envoy_extensions_filters_network_local_ratelimit_v3_local_rate_limit,
  file_envoy_extensions_filters_network_rbac_v3_rbac,
  file_envoy_extensions_filters_network_set_filter_state_v3_set_filter_state,
  file_envoy_extensions_filters_network_sni_cluster_v3_sni_cluster,
  file_envoy_extensions_compression_gzip_compressor_v3_gzip,
  file_envoy_extensions_compression_gzip_decompressor_v3_gzip,
  file_envoy_extensions_compression_brotli_compressor_v3_brotli,
  file_envoy_extensions_compression_brotli_decompressor_v3_brotli,
  file_envoy_extensions_compression_zstd_compressor_v3_zstd,
  file_envoy_extensions_compression_zstd_decompressor_v3_zstd,
  file_envoy_extensions_http_stateful_session_cookie_v3_cookie,
  file_envoy_extensions_http_stateful_session_header_v3_header,
  file_envoy_extensions_http_early_header_mutation_header_mutation_v3_header_mutation,
  file_envoy_config_cluster_v3_cluster,
  file_envoy_config_endpoint_v3_endpoint,
  file_envoy_config_listener_v3_listener,
  file_envoy_config_route_v3_route,
  file_envoy_config_route_v3_route_components,
  file_envoy_extensions_access_loggers_file_v3_file,
  file_envoy_extensions_access_loggers_grpc_v3_als,
  file_envoy_extensions_access_loggers_stream_v3_stream,
  file_envoy_extensions_clusters_dynamic_forward_proxy_v3_cluster,
  file_envoy_extensions_filters_http_cors_v3_cors,
  file_envoy_extensions_filters_http_dynamic_forward_proxy_v3_dynamic_forward_proxy,
  file_envoy_extensions_filters_http_fault_v3_fault,
  file_envoy_extensions_filters_http_grpc_stats_v3_config,
  file_envoy_extensions_filters_http_grpc_web_v3_grpc_web,
  file_envoy_extensions_filters_http_router_v3_router,
  file_envoy_extensions_filters_http_upstream_codec_v3_upstream_codec,
  file_envoy_extensions_filters_listener_http_inspector_v3_http_inspector,
  file_envoy_extensions_filters_listener_original_dst_v3_original_dst,
  file_envoy_extensions_filters_listener_original_src_v3_original_src,
  file_envoy_extensions_filters_listener_proxy_protocol_v3_proxy_protocol,
  file_envoy_extensions_filters_listener_tls_inspector_v3_tls_inspector,
  file_envoy_extensions_filters_network_http_connection_manager_v3_http_connection_manager,
  file_envoy_extensions_filters_network_mongo_proxy_v3_mongo_proxy,
  file_envoy_extensions_filters_network_sni_dynamic_forward_proxy_v3_sni_dynamic_forward_proxy,
  file_envoy_extensions_filters_network_tcp_proxy_v3_tcp_proxy,
  file_envoy_extensions_formatter_req_without_query_v3_req_without_query,
  file_envoy_extensions_http_header_formatters_preserve_case_v3_preserve_case,
  file_envoy_extensions_network_dns_resolver_cares_v3_cares_dns_resolver,
  file_envoy_extensions_request_id_uuid_v3_uuid,
  file_envoy_extensions_retry_host_previous_hosts_v3_previous_hosts,
  file_envoy_extensions_retry_priority_previous_priorities_v3_previous_priorities_config,
  file_envoy_extensions_transport_sockets_proxy_protocol_v3_upstream_proxy_protocol,
  file_envoy_extensions_transport_sockets_raw_buffer_v3_raw_buffer,
  file_envoy_extensions_transport_sockets_tls_v3_secret,
  file_envoy_extensions_transport_sockets_tls_v3_tls,
  file_envoy_extensions_upstreams_http_v3_http_protocol_options,
  file_istio_alpn,
  file_istio_stats,
  file_envoy_config_rbac_v3_rbac,
  file_google_protobuf_wrappers,
  file_envoy_extensions_matching_common_inputs_network_v3_network_inputs,
  file_envoy_extensions_matching_common_inputs_ssl_v3_ssl_inputs,
  file_envoy_extensions_matching_input_matchers_ip_v3_ip,
  file_xds_type_matcher_v3_domain,
  file_xds_type_matcher_v3_ip,
  file_udpa_type_v1_typed_struct,
);
