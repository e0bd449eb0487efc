// typed_per_filter_config: what each filter made of its per-route config, most specific level first.
import type { Any } from "@bufbuild/protobuf/wkt";
import { FilterConfigSchema } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { nameOf, unpack } from "#envoy/any";
import type { Violations } from "#proxy/field-check";
import type { HttpFilterCompiler } from "#proxy/http/filter";

export type FilterConfigs = ReadonlyMap<string, unknown>;

export function compileFilterConfigs(
  configs: Readonly<Record<string, Any>>,
  filters: readonly HttpFilterCompiler[],
  path: string,
  violations: Violations,
): FilterConfigs {
  const compiled = new Map<string, unknown>();
  for (const [name, packed] of Object.entries(configs)) {
    const at = `${path}.typed_per_filter_config[${JSON.stringify(name)}]`;
    let any = packed;
    let optional = false;
    try {
      const wrapper = unpack(packed, FilterConfigSchema);
      if (wrapper !== undefined) {
        if (wrapper.disabled) violations.add(`${at}.disabled`, "not served by this proxy");
        if (wrapper.config === undefined) continue;
        optional = wrapper.isOptional;
        any = wrapper.config;
      }
      const type = nameOf(any.typeUrl);
      const filter = filters.find((one) => (one.routeConfigTypes ?? one.configTypes).includes(type));
      if (filter?.compileRouteConfig !== undefined) compiled.set(name, filter.compileRouteConfig(any, at));
      else if (!optional) violations.add(at, `no filter of this proxy takes a route config of type ${type === "" ? "(none)" : type}`);
    } catch (error) {
      violations.addFrom(error, at);
    }
  }
  return compiled;
}

const NONE: FilterConfigs = new Map();

/** Least specific first; the most specific config of a name wins as a whole. */
export function mergeFilterConfigs(...levels: readonly FilterConfigs[]): FilterConfigs {
  const set = levels.filter((level) => level.size > 0);
  if (set.length === 0) return NONE;
  if (set.length === 1) return set[0] as FilterConfigs;
  return new Map(set.flatMap((level) => [...level]));
}
