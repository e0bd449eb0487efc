// The mesh's settings: Istio's defaults, then those of the composition (the embedded mesh logs to /dev/stdout), then the user's.
import type { MeshConfigSpec } from "#api/mesh-config";
import type { ObjectSet } from "#control-plane/config/object-set";

const ISTIO_DEFAULTS: MeshConfigSpec = {
  rootNamespace: "istio-system",
  trustDomain: "cluster.local",
  connectTimeout: 10_000,
  accessLogFile: "",
  accessLogFormat: "",
  accessLogEncoding: "TEXT",
  outboundTrafficPolicy: { mode: "ALLOW_ANY" },
  enableTracing: true,
  proxyListenPort: 15_001,
  proxyInboundListenPort: 15_006,
  protocolDetectionTimeout: 0,
};

const NOTHING_WRITTEN: MeshConfigSpec = {};
const resolved = new WeakMap<MeshConfigSpec, WeakMap<MeshConfigSpec, MeshConfigSpec>>();

/** The same object as long as what is written and the defaults are the same ones. */
export function resolveMeshConfig(objects: ObjectSet, defaults: MeshConfigSpec): MeshConfigSpec {
  const written = objects.list<MeshConfigSpec>("MeshConfig")[0]?.spec ?? NOTHING_WRITTEN;
  let ofDefaults = resolved.get(defaults);
  if (ofDefaults === undefined) resolved.set(defaults, (ofDefaults = new WeakMap()));
  let config = ofDefaults.get(written);
  if (config === undefined) ofDefaults.set(written, (config = meshConfigOver(defaults, written)));
  return config;
}

export function meshConfigOver(defaults: MeshConfigSpec, written: MeshConfigSpec | undefined): MeshConfigSpec {
  return mergeOver(mergeOver(ISTIO_DEFAULTS, defaults), written ?? {});
}

/** What `over` says counts; messages are merged field by field, lists are replaced. */
function mergeOver<T extends object>(base: T, over: T): T {
  const result = { ...base } as Record<string, unknown>;
  for (const [key, value] of Object.entries(over)) {
    if (value === undefined) continue;
    const below = result[key];
    result[key] = isMessage(value) && isMessage(below) ? mergeOver(below, value) : value;
  }
  return result as T;
}

function isMessage(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
