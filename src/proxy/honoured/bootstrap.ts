// Fields of a Bootstrap that this proxy acts on, and those that change nothing here. Static resources have tables of their own.
import type { HonouredFields } from "#proxy/field-check";
import { CONFIG_SOURCE_FIELDS } from "./config-source.ts";

const BOOTSTRAP = "envoy.config.bootstrap.v3";

export const HONOURED_BOOTSTRAP_FIELDS: HonouredFields = new Map(
  Object.entries({
    [`${BOOTSTRAP}.Bootstrap`]: [
      "node",
      "static_resources",
      "dynamic_resources",
      "admin",
      "layered_runtime",
      "stats_config",
      // Nothing is flushed: there are no sinks, and whoever asks the admin endpoint gets what is true then.
      "stats_flush_interval",
      "stats_flush_on_admin",
      // Threads of Envoy that hang are ended by it; here a traffic thread that dies is replaced.
      "watchdog",
      "watchdogs",
      "enable_dispatcher_stats",
    ],
    [`${BOOTSTRAP}.Bootstrap.StaticResources`]: ["clusters", "listeners", "secrets"],
    [`${BOOTSTRAP}.Bootstrap.DynamicResources`]: ["ads_config", "cds_config", "lds_config"],
    // No profiler writes there.
    [`${BOOTSTRAP}.Admin`]: ["address", "profile_path"],
    [`${BOOTSTRAP}.LayeredRuntime`]: ["layers"],
    // Read by hand: no key is read, and an admin layer is empty until somebody writes, which is refused.
    [`${BOOTSTRAP}.RuntimeLayer`]: ["name", "static_layer", "admin_layer"],
    "envoy.config.metrics.v3.StatsConfig": ["stats_matcher"],
    ...CONFIG_SOURCE_FIELDS,
  }).map(([type, fields]) => [type, new Set(fields)]),
);
