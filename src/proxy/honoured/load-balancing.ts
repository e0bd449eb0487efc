import { harmless, honoured, shown } from "./rows.ts";
import type { FieldTable } from "./rows.ts";

// The same in a cluster and as a load_balancing_policy.
const SUBSETS: FieldTable[string] = [
  honoured(
    "src/proxy/cluster/subsets.test.ts",
    "fallback_policy",
    "default_subset",
    "subset_selectors",
    "panic_mode_any",
    "list_as_any",
    "metadata_fallback_policy",
  ),
  honoured("src/proxy/cluster/subsets.test.ts", "locality_weight_aware", "scale_locality_weight"),
];
const SUBSET_SELECTOR: FieldTable[string] = [
  honoured("src/proxy/cluster/subsets.test.ts", "keys", "single_host_per_subset", "fallback_policy", "fallback_keys_subset"),
];

export const LOAD_BALANCING_FIELDS: FieldTable = {
  "envoy.config.cluster.v3.Cluster.CommonLbConfig": [
    honoured(
      "src/proxy/cluster/cluster.test.ts",
      "healthy_panic_threshold",
      "locality_weighted_lb_config",
      "ignore_new_hosts_until_first_hc",
      "close_connections_on_host_set_change",
      "consistent_hashing_lb_config",
      "override_host_status",
    ),
    harmless("membership changes take effect at once", "update_merge_window"),
    honoured("test/interop/cluster-manager.test.ts", "zone_aware_lb_config"),
  ],
  "envoy.config.cluster.v3.Cluster.CommonLbConfig.ZoneAwareLbConfig": [
    honoured("test/interop/cluster-manager.test.ts", "routing_enabled", "min_cluster_size"),
    shown("src/proxy/cluster/lb/zone-aware.test.ts", "zones say nothing, or nobody is asked", "fail_traffic_on_panic"),
  ],
  "envoy.config.cluster.v3.Cluster.CommonLbConfig.ConsistentHashingLbConfig": [
    honoured("src/proxy/cluster/cluster.test.ts", "hash_balance_factor"),
    honoured("test/interop/consistent-hashing.test.ts", "use_hostname_for_hashing"),
  ],
  "envoy.config.cluster.v3.Cluster.CommonLbConfig.LocalityWeightedLbConfig": [],
  "envoy.config.core.v3.HealthStatusSet": [
    shown("src/proxy/cluster/cluster.test.ts", "in the states of override_host_status alone", "statuses"),
  ],
  "envoy.config.cluster.v3.Cluster.LbSubsetConfig": SUBSETS,
  "envoy.config.cluster.v3.Cluster.LbSubsetConfig.LbSubsetSelector": SUBSET_SELECTOR,
  "envoy.config.cluster.v3.Cluster.LeastRequestLbConfig": [
    shown("src/proxy/cluster/lb/load-balancer.test.ts", "goes to the host with fewer active requests", "choice_count"),
    shown("src/proxy/cluster/lb/load-balancer.test.ts", "sends in proportion, less to the busy", "active_request_bias"),
    shown("src/proxy/cluster/lb/load-balancer.test.ts", "a part of its weight that grows with its age", "slow_start_config"),
  ],
  "envoy.config.cluster.v3.Cluster.MaglevLbConfig": [honoured("test/interop/consistent-hashing.test.ts", "table_size")],
  "envoy.config.cluster.v3.Cluster.RingHashLbConfig": [
    honoured("src/proxy/cluster/cluster.test.ts", "minimum_ring_size", "maximum_ring_size"),
    honoured("test/interop/consistent-hashing.test.ts", "hash_function"),
  ],
  "envoy.config.cluster.v3.Cluster.RoundRobinLbConfig": [honoured("src/proxy/cluster/cluster.test.ts", "slow_start_config")],
  "envoy.config.cluster.v3.Cluster.SlowStartConfig": [
    honoured("src/proxy/cluster/cluster.test.ts", "slow_start_window", "aggression", "min_weight_percent"),
  ],
  "envoy.config.cluster.v3.LoadBalancingPolicy": [honoured("src/proxy/cluster/subsets.test.ts", "policies")],
  "envoy.config.cluster.v3.LoadBalancingPolicy.Policy": [honoured("src/proxy/cluster/subsets.test.ts", "typed_extension_config")],
  "envoy.extensions.load_balancing_policies.cluster_provided.v3.ClusterProvided": [],
  "envoy.extensions.load_balancing_policies.common.v3.ConsistentHashingLbConfig": [
    honoured("src/proxy/cluster/cluster.test.ts", "hash_balance_factor"),
    honoured("test/interop/consistent-hashing.test.ts", "use_hostname_for_hashing"),
  ],
  "envoy.extensions.load_balancing_policies.common.v3.LocalityLbConfig": [
    honoured("src/proxy/cluster/subsets.test.ts", "zone_aware_lb_config", "locality_weighted_lb_config"),
  ],
  "envoy.extensions.load_balancing_policies.common.v3.LocalityLbConfig.ZoneAwareLbConfig": [
    honoured("src/proxy/cluster/subsets.test.ts", "routing_enabled"),
    honoured("test/interop/cluster-manager.test.ts", "min_cluster_size"),
    shown("src/proxy/cluster/lb/zone-aware.test.ts", "zones say nothing, or nobody is asked", "fail_traffic_on_panic"),
  ],
  "envoy.extensions.load_balancing_policies.common.v3.LocalityLbConfig.LocalityWeightedLbConfig": [],
  "envoy.extensions.load_balancing_policies.common.v3.SlowStartConfig": [
    honoured("src/proxy/cluster/cluster.test.ts", "slow_start_window", "min_weight_percent", "aggression"),
  ],
  "envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest": [
    honoured("src/proxy/cluster/subsets.test.ts", "choice_count", "active_request_bias", "slow_start_config", "locality_lb_config"),
    shown(
      "src/proxy/cluster/lb/load-balancer.test.ts",
      "finds the idlest of all where it is to scan them",
      "enable_full_scan",
      "selection_method",
    ),
  ],
  "envoy.extensions.load_balancing_policies.maglev.v3.Maglev": [
    honoured("src/proxy/cluster/subsets.test.ts", "table_size", "locality_weighted_lb_config"),
    shown("src/proxy/cluster/lb/hashing.test.ts", "a host with more than its share is passed over", "consistent_hashing_lb_config"),
  ],
  "envoy.extensions.load_balancing_policies.random.v3.Random": [honoured("src/proxy/cluster/subsets.test.ts", "locality_lb_config")],
  "envoy.extensions.load_balancing_policies.ring_hash.v3.RingHash": [
    honoured("src/proxy/cluster/subsets.test.ts", "minimum_ring_size", "maximum_ring_size", "locality_weighted_lb_config"),
    honoured("src/proxy/cluster/subsets.test.ts", "hash_function"),
    shown("src/proxy/cluster/lb/hashing.test.ts", "or from its name where that is wanted", "use_hostname_for_hashing"),
    shown(
      "src/proxy/cluster/lb/hashing.test.ts",
      "a host with more than its share is passed over",
      "hash_balance_factor",
      "consistent_hashing_lb_config",
    ),
  ],
  "envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin": [
    honoured("src/proxy/cluster/subsets.test.ts", "slow_start_config", "locality_lb_config"),
  ],
  "envoy.extensions.load_balancing_policies.subset.v3.Subset": [
    ...SUBSETS,
    honoured("src/proxy/cluster/subsets.test.ts", "subset_lb_policy"),
  ],
  "envoy.extensions.load_balancing_policies.subset.v3.Subset.LbSubsetSelector": SUBSET_SELECTOR,
  "envoy.extensions.load_balancing_policies.wrr_locality.v3.WrrLocality": [
    honoured("src/proxy/cluster/subsets.test.ts", "endpoint_picking_policy"),
  ],
  "envoy.config.cluster.v3.Cluster.OriginalDstLbConfig": [
    honoured(
      "src/proxy/cluster/original-destination.test.ts",
      "use_http_header",
      "http_header_name",
      "upstream_port_override",
      "metadata_key",
    ),
  ],
};
