import { honoured, harmless, unproven } from "./rows.ts";
import type { FieldTable } from "./rows.ts";

export const ENDPOINT_FIELDS: FieldTable = {
  "envoy.config.endpoint.v3.ClusterLoadAssignment": [
    honoured("src/proxy/cluster/cluster-manager.test.ts", "cluster_name"),
    honoured("src/proxy/data-plane/data-plane.test.ts", "endpoints"),
    honoured("src/proxy/cluster/cluster.test.ts", "policy"),
  ],
  "envoy.config.endpoint.v3.ClusterLoadAssignment.Policy": [
    honoured("src/proxy/cluster/host-set.test.ts", "overprovisioning_factor", "weighted_priority_health"),
  ],
  "envoy.config.endpoint.v3.Endpoint": [
    honoured("src/proxy/dns/dns-config.test.ts", "address"),
    unproven("health_check_config", "additional_addresses"),
    honoured("src/proxy/dns/dns-resolution.test.ts", "hostname"),
  ],
  "envoy.config.endpoint.v3.Endpoint.AdditionalAddress": [honoured("src/proxy/dns/dns-config.test.ts", "address")],
  "envoy.config.endpoint.v3.Endpoint.HealthCheckConfig": [
    honoured("src/proxy/data-plane/bootstrap.test.ts", "port_value"),
    honoured("src/proxy/cluster/http-pool.test.ts", "hostname"),
    honoured("src/proxy/cluster/cluster.test.ts", "address"),
    unproven("disable_active_health_check"),
  ],
  "envoy.config.endpoint.v3.LbEndpoint": [
    honoured("src/proxy/cluster/cluster.test.ts", "endpoint", "health_status", "load_balancing_weight"),
    honoured("src/proxy/cluster/subsets.test.ts", "metadata"),
  ],
  "envoy.config.endpoint.v3.LocalityLbEndpoints": [
    unproven("locality", "load_balancer_endpoints", "priority"),
    harmless("read by Istio's own tools", "metadata"),
    honoured("src/proxy/dns/dns-config.test.ts", "lb_endpoints"),
    honoured("src/proxy/cluster/cluster.test.ts", "load_balancing_weight"),
    harmless("read by no balancer, in Envoy neither", "proximity"),
  ],
  "envoy.config.endpoint.v3.LocalityLbEndpoints.LbEndpointList": [honoured("src/proxy/data-plane/bootstrap.test.ts", "lb_endpoints")],
};
