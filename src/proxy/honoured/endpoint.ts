import { honoured, harmless } from "./rows.ts";
import type { FieldTable } from "./rows.ts";

export const ENDPOINT_FIELDS: FieldTable = {
  "envoy.config.endpoint.v3.ClusterLoadAssignment": [
    honoured("src/proxy/data-plane/data-plane.test.ts", "endpoints"),
    honoured("src/proxy/cluster/cluster.test.ts", "policy"),
    honoured("src/proxy/admin/endpoints-dump.test.ts", "cluster_name"),
  ],
  "envoy.config.endpoint.v3.ClusterLoadAssignment.Policy": [
    honoured("test/interop/overload.test.ts", "drop_overloads"),
    honoured("src/proxy/cluster/host-set.test.ts", "weighted_priority_health"),
    honoured("src/proxy/admin/endpoints-dump.test.ts", "overprovisioning_factor"),
  ],
  "envoy.config.endpoint.v3.ClusterLoadAssignment.Policy.DropOverload": [
    harmless("for reports of loads, which nobody gets", "category"),
    honoured("src/proxy/cluster/load-assignment.test.ts", "drop_percentage"),
  ],
  "envoy.config.endpoint.v3.Endpoint": [
    honoured("src/proxy/dns/dns-config.test.ts", "address"),
    honoured("src/proxy/dns/dns-resolution.test.ts", "hostname"),
    honoured("src/proxy/admin/endpoints-dump.test.ts", "health_check_config"),
    honoured("src/proxy/cluster/load-assignment.test.ts", "additional_addresses"),
  ],
  "envoy.config.endpoint.v3.Endpoint.AdditionalAddress": [honoured("src/proxy/cluster/load-assignment.test.ts", "address")],
  "envoy.config.endpoint.v3.Endpoint.HealthCheckConfig": [
    honoured("src/proxy/admin/endpoints-dump.test.ts", "port_value", "address"),
    honoured("src/proxy/cluster/load-assignment.test.ts", "hostname", "disable_active_health_check"),
  ],
  "envoy.config.endpoint.v3.LbEndpoint": [
    honoured("src/proxy/cluster/cluster.test.ts", "endpoint", "health_status", "load_balancing_weight"),
    honoured("src/proxy/cluster/subsets.test.ts", "metadata"),
  ],
  "envoy.config.endpoint.v3.LocalityLbEndpoints": [
    harmless("read by Istio's own tools", "metadata"),
    honoured("src/proxy/dns/dns-config.test.ts", "lb_endpoints"),
    honoured("src/proxy/cluster/cluster.test.ts", "load_balancing_weight", "priority"),
    harmless("read by no balancer, in Envoy neither", "proximity"),
    honoured("src/proxy/admin/endpoints-dump.test.ts", "locality"),
    honoured("src/proxy/cluster/load-assignment.test.ts", "load_balancer_endpoints"),
  ],
  "envoy.config.endpoint.v3.LocalityLbEndpoints.LbEndpointList": [honoured("src/proxy/cluster/load-assignment.test.ts", "lb_endpoints")],
};
