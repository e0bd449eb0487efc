import assert from "node:assert/strict";
import { test } from "node:test";
import { withoutIstioFilters } from "./istio-filters.ts";

const typed = (name: string, type: string) => ({ name, typedConfig: { "@type": `type.googleapis.com/${type}` } });

test("filters of Istio's own types are taken out, whatever their names", () => {
  const router = typed("envoy.filters.http.router", "envoy.extensions.filters.http.router.v3.Router");
  const manager = (httpFilters: object[]) => ({
    name: "manager",
    typedConfig: { "@type": "type.googleapis.com/x.HttpConnectionManager", httpFilters },
  });
  const exchange = {
    name: "any",
    typedConfig: {
      "@type": "type.googleapis.com/udpa.type.v1.TypedStruct",
      typeUrl: "type.googleapis.com/envoy.tcp.metadataexchange.config.MetadataExchange",
    },
  };
  const listener = { filterChains: [{ filters: [exchange, manager([typed("istio.stats", "stats.PluginConfig"), router])] }] };
  assert.deepEqual(withoutIstioFilters(listener as never), { filterChains: [{ filters: [manager([router])] }] });
});

test("a TypedStruct with a type of Envoy's own stays", () => {
  const limit = {
    name: "limit",
    typedConfig: {
      "@type": "type.googleapis.com/udpa.type.v1.TypedStruct",
      typeUrl: "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
    },
  };
  assert.deepEqual(withoutIstioFilters({ httpFilters: [limit] }), { httpFilters: [limit] });
});
