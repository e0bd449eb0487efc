// Which message types and fields a real istiod sends, and what our proxy makes of each: one that it refuses must belong to a later feature.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fromBinary, isFieldSet } from "@bufbuild/protobuf";
import type { DescField, JsonValue } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import type { ReflectMessage } from "@bufbuild/protobuf/reflect";
import type { Any } from "@bufbuild/protobuf/wkt";
import { nameOf } from "#envoy/any";
import { configRegistry } from "#envoy/config-registry";
import { HONOURED_FIELDS } from "#proxy/honoured/table";
import { withoutIstioFilters } from "../replay/istio-filters.ts";
import { encodeResources, readRecordedResources } from "../replay/recorded-resources.ts";
import type { SectionResult } from "./run.ts";

/** Extensions of later features. */
const LATER_TYPES: readonly RegExp[] = [
  /^envoy\.extensions\.filters\.http\.(rbac|jwt_authn|ext_authz|lua|wasm|ext_proc|ratelimit)\./,
  /^envoy\.extensions\.filters\.network\.(ext_authz|mongo_proxy|wasm)\./,
  /^envoy\.extensions\.access_loggers\.(grpc|open_telemetry)\./,
  /^(udpa|xds)\.type\.v\d\.TypedStruct$/,
];

/** Fields of later features: tracing, and filters whose configuration comes on its own. */
const LATER_FIELDS: ReadonlySet<string> = new Set([
  "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.Tracing.provider",
  "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter.config_discovery",
]);

/** By type the fields that are set somewhere; of a type that the table does not have none is looked at. */
class SentFields {
  readonly types = new Map<string, Set<string>>();

  add(message: ReflectMessage): void {
    const { typeName } = message.desc;
    if (typeName === "google.protobuf.Any") return this.#addPacked(message.message as Any);
    if (typeName.startsWith("google.protobuf.")) return;
    const fields = this.types.get(typeName) ?? new Set();
    this.types.set(typeName, fields);
    for (const field of message.desc.fields) {
      if (!isFieldSet(message.message, field)) continue;
      fields.add(field.name);
      if (LATER_FIELDS.has(`${typeName}.${field.name}`)) continue;
      // Below a harmless field only what the table looks into counts.
      const harmless = HONOURED_FIELDS.get(typeName)?.get(field.name)?.kind === "harmless";
      for (const inner of messagesIn(message, field)) if (!harmless || HONOURED_FIELDS.has(inner.desc.typeName)) this.add(inner);
    }
  }

  #addPacked(any: Any): void {
    const type = nameOf(any.typeUrl);
    const desc = configRegistry.getMessage(type);
    if (desc === undefined || isLater(type)) this.types.set(type, new Set());
    else this.add(reflect(desc, fromBinary(desc, any.value), false));
  }
}

function* messagesIn(message: ReflectMessage, field: DescField): Generator<ReflectMessage> {
  if (field.fieldKind === "message") yield message.get(field);
  else if (field.fieldKind === "list" && field.listKind === "message") for (const item of message.get(field)) yield item as ReflectMessage;
  else if (field.fieldKind === "map" && field.mapKind === "message")
    for (const item of message.get(field).values()) yield item as ReflectMessage;
}

function isLater(type: string): boolean {
  return LATER_TYPES.some((pattern) => pattern.test(type));
}

export async function run(directory: string): Promise<SectionResult> {
  const root = join(directory, "istiod");
  const sent = new SentFields();
  for (const { name } of readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
    for (const proxy of readdirSync(join(root, name, "out"))) {
      const recorded = readRecordedResources(join(root, name, "out", proxy));
      const stripped = withoutIstioFilters(recorded as unknown as JsonValue) as unknown as typeof recorded;
      for (const { typeUrl, value } of await encodeResources(stripped, { unknownTypes: "empty" })) {
        // Extensions on their own are of a later feature.
        const desc = configRegistry.getMessage(nameOf(typeUrl));
        if (desc !== undefined) sent.add(reflect(desc, fromBinary(desc, value), false));
      }
    }
  }
  return judge(sent.types);
}

function judge(types: ReadonlyMap<string, ReadonlySet<string>>): SectionResult {
  const refused: string[] = [];
  const later: string[] = [];
  let honoured = 0;
  let harmless = 0;
  let servedTypes = 0;
  for (const [type, fields] of types) {
    const rows = HONOURED_FIELDS.get(type);
    if (rows === undefined && fields.size === 0) {
      (isLater(type) ? later : refused).push(type);
      continue;
    }
    servedTypes++;
    for (const name of fields) {
      const row = rows?.get(name);
      const field = `${type}.${name}`;
      if (row?.kind === "harmless") harmless++;
      else if (row?.kind === "honoured") honoured++;
      else (LATER_FIELDS.has(field) ? later : refused).push(field);
    }
  }
  return {
    passed: honoured + harmless,
    total: honoured + harmless + refused.length + later.length,
    failures: refused.map((id) => ({ id, why: "istiod sends it and it is refused" })),
    later: later.map((id) => ({ id, why: "of a later feature" })),
    report: [
      `${servedTypes} message types, ${honoured + harmless} fields: ${honoured} honoured, ${harmless} harmless; ${later.length} types and fields of later features`,
    ],
  };
}
