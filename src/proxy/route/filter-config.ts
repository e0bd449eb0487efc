// typed_per_filter_config: what each filter made of its per-route config, on every level that has one.
import type { Any } from "@bufbuild/protobuf/wkt";
import { FilterConfigSchema } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { nameOf, unpack } from "#envoy/any";
import type { Violations } from "#proxy/field-check";
import type { HttpFilterCompiler } from "#proxy/http/filter";

interface Entry {
  /** False: the level switches the filter off. */
  readonly enabled: boolean;
  /** Undefined: the level only switches the filter on. */
  readonly config: unknown;
}

/** Per filter name its entries, the most specific level first. */
export class FilterConfigs {
  readonly #entries: ReadonlyMap<string, readonly Entry[]>;
  /** What `get` answers: asked for every request. */
  readonly #first = new Map<string, unknown>();

  constructor(entries: ReadonlyMap<string, readonly Entry[]> = new Map()) {
    this.#entries = entries;
    for (const [name, levels] of entries) this.#first.set(name, levels.find(({ config }) => config !== undefined)?.config);
  }

  /** Of one level, all of them on. */
  static of(configs: Readonly<Record<string, unknown>>): FilterConfigs {
    return new FilterConfigs(new Map(Object.entries(configs).map(([name, config]) => [name, [{ enabled: true, config }]])));
  }

  /** Of the most specific level that has any. */
  get(name: string): unknown {
    return this.#first.get(name);
  }

  /** Of all levels, for filters that add them up instead of taking the most specific. */
  all(name: string): readonly unknown[] {
    return (this.#entries.get(name) ?? []).flatMap(({ config }) => (config === undefined ? [] : [config]));
  }

  /** What the most specific level says of whether the filter runs; undefined: nothing. */
  enabled(name: string): boolean | undefined {
    return this.#entries.get(name)?.[0]?.enabled;
  }

  get empty(): boolean {
    return this.#entries.size === 0;
  }

  /** These levels before those of `less`. */
  over(less: FilterConfigs): FilterConfigs {
    if (this.empty) return less;
    if (less.empty) return this;
    const merged = new Map(less.#entries);
    for (const [name, entries] of this.#entries) merged.set(name, [...entries, ...(merged.get(name) ?? [])]);
    return new FilterConfigs(merged);
  }
}

export function compileFilterConfigs(
  configs: Readonly<Record<string, Any>>,
  filters: readonly HttpFilterCompiler[],
  path: string,
  violations: Violations,
): FilterConfigs {
  const compiled = new Map<string, readonly Entry[]>();
  for (const [name, packed] of Object.entries(configs)) {
    try {
      const entry = compileEntry(packed, filters, `${path}.typed_per_filter_config[${JSON.stringify(name)}]`, violations);
      if (entry !== undefined) compiled.set(name, [entry]);
    } catch (error) {
      violations.addFrom(error, path);
    }
  }
  return new FilterConfigs(compiled);
}

/** Undefined: reported, or left out because it is optional. */
function compileEntry(packed: Any, filters: readonly HttpFilterCompiler[], at: string, violations: Violations): Entry | undefined {
  const wrapper = unpack(packed, FilterConfigSchema);
  if (wrapper?.disabled === true) return { enabled: false, config: undefined };
  const any = wrapper === undefined ? packed : wrapper.config;
  if (any === undefined) {
    violations.add(`${at}.config`, "must be set, if only to an empty Any, which switches the filter on");
    return undefined;
  }
  const type = nameOf(any.typeUrl);
  if (wrapper !== undefined && type === "") return { enabled: true, config: undefined };
  const filter = filters.find((one) => (one.routeConfigTypes ?? one.configTypes).includes(type));
  if (filter?.compileRouteConfig !== undefined) return { enabled: true, config: filter.compileRouteConfig(any, at) };
  if (wrapper?.isOptional !== true) {
    violations.add(at, `no filter of this proxy takes a route config of type ${type === "" ? "(none)" : type}`);
  }
  return undefined;
}
