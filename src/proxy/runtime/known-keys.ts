// Which keys of Envoy's own this proxy reads, beside those that a configuration names. Any other of Envoy's own has no effect here.

/** How keys begin that stand in Envoy's code. */
const OF_ENVOY =
  /^(envoy|re2|overload|http|http_connection_manager|tracing|upstream|health_check|outlier_detection|circuit_breakers|ratelimit|redis|mongo)[._]/;

const READ: readonly RegExp[] = [
  /^envoy\.resource_limits\.listener\..+\.connection_limit$/,
  /^http_connection_manager\.(normalize_path|path_with_escaped_slashes_action(_enabled)?)$/,
  /^tracing\.(client_enabled|global_enabled|random_sampling)$/,
  /^upstream\.(base_retry_backoff_ms|use_retry|healthy_panic_threshold|maintenance_mode\..+|zone_routing\.(enabled|min_cluster_size))$/,
  /^health_check\.(min_interval|max_interval|verify_cluster)$/,
  /^outlier_detection\.(?!enforcing_extension\.)/,
  /^circuit_breakers\..+\.(default|high)\.(max_connections|max_connection_pools|max_pending_requests|max_requests|max_retries|retry_budget\.(budget_percent|min_retry_concurrency))$/,
];

/** Those that nobody reads. */
export function* keysOfOthers(keys: Iterable<string>): Generator<string> {
  for (const key of keys) if (OF_ENVOY.test(key) && !READ.some((known) => known.test(key))) yield key;
}
