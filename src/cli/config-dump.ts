// Reads an Envoy config dump as JSON. Envoy writes proto names (`dynamic_active_clusters`), other servers the JSON ones
// (`dynamicActiveClusters`): both are read, so that the same tables come from our proxy and from Envoy.

export type Fields = Readonly<Record<string, unknown>>;

export function asFields(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

/** A field by its proto name. */
export function field(value: unknown, name: string): unknown {
  const fields = asFields(value);
  if (name in fields) return fields[name];
  return fields[name.replaceAll(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase())];
}

export function path(value: unknown, ...names: readonly string[]): unknown {
  let current = value;
  for (const name of names) current = field(current, name);
  return current;
}

export function list(value: unknown, name: string): readonly unknown[] {
  const found = field(value, name);
  return Array.isArray(found) ? found : [];
}

export function text(value: unknown): string {
  return typeof value === "string" ? value : typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

/** The sections of a dump whose `@type` ends in `name`, e.g. ClustersConfigDump. */
function sections(dump: unknown, name: string): readonly unknown[] {
  return list(dump, "configs").filter((section) => text(asFields(section)["@type"]).endsWith(`.${name}`));
}

export function clusters(dump: unknown): readonly unknown[] {
  return sections(dump, "ClustersConfigDump").flatMap((section) =>
    [...list(section, "static_clusters"), ...list(section, "dynamic_active_clusters")].map((entry) => field(entry, "cluster")),
  );
}

export function listeners(dump: unknown): readonly unknown[] {
  return sections(dump, "ListenersConfigDump").flatMap((section) => [
    ...list(section, "static_listeners").map((entry) => field(entry, "listener")),
    ...list(section, "dynamic_listeners").flatMap((entry) => {
      const listener = path(entry, "active_state", "listener");
      return listener === undefined ? [] : [listener];
    }),
  ]);
}

export function routes(dump: unknown): readonly unknown[] {
  return sections(dump, "RoutesConfigDump").flatMap((section) =>
    [...list(section, "static_route_configs"), ...list(section, "dynamic_route_configs")].map((entry) => field(entry, "route_config")),
  );
}
