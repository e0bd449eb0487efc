// The value of an EnvoyFilter's patch, read as the object of Envoy's API that it is a part of. Loaded when an EnvoyFilter is checked: the
// generated code of Envoy's API is large.
import { createRequire } from "node:module";
import { createRegistry, fromJson, type DescFile, type DescMessage, type JsonValue, type Message, type Registry } from "@bufbuild/protobuf";
import { reflect, type ReflectMessage } from "@bufbuild/protobuf/reflect";
import * as wellKnown from "@bufbuild/protobuf/wkt";
import { typeFiles } from "./type-files.ts";

export interface PatchVerdict {
  readonly error?: { readonly message: string; readonly hint?: string };
  readonly warnings: readonly string[];
}

const objectTypes: Readonly<Record<string, string>> = {
  CLUSTER: "envoy.config.cluster.v3.Cluster",
  LISTENER: "envoy.config.listener.v3.Listener",
  ROUTE_CONFIGURATION: "envoy.config.route.v3.RouteConfiguration",
  FILTER_CHAIN: "envoy.config.listener.v3.FilterChain",
  HTTP_FILTER: "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter",
  NETWORK_FILTER: "envoy.config.listener.v3.Filter",
  VIRTUAL_HOST: "envoy.config.route.v3.VirtualHost",
  HTTP_ROUTE: "envoy.config.route.v3.Route",
  EXTENSION_CONFIG: "envoy.config.core.v3.TypedExtensionConfig",
  BOOTSTRAP: "envoy.config.bootstrap.v3.Bootstrap",
  LISTENER_FILTER: "envoy.config.listener.v3.ListenerFilter",
};

export function checkPatchObject(applyTo: string, value: unknown): PatchVerdict {
  const typeName = objectTypes[applyTo];
  if (typeName === undefined) return { error: { message: `${applyTo} has no object to patch` }, warnings: [] };
  const files = new Set(filesOf(typeName));
  const warnings: string[] = [];
  for (const url of typeUrls(value)) {
    const name = url.slice(url.lastIndexOf("/") + 1);
    const found = filesOf(name);
    for (const file of found) files.add(file);
    if (isKnown(found, name)) continue;
    // Types of other builds of Envoy, Istio's among them, cannot be told from typing errors; those of no v3 package can.
    if (/^(?:envoy\..*\.v3(?:alpha)?\.\w+|stats\.PluginConfig|istio\.envoy\..+)$/u.test(name)) {
      warnings.push(`type ${name} is not known here and not checked`);
    } else {
      const hint = /\.v2(?:alpha\d*)?\./u.test(name) ? "use the v3 API" : undefined;
      return { error: { message: `type ${JSON.stringify(url)} is not known`, ...(hint === undefined ? {} : { hint }) }, warnings };
    }
  }
  if (warnings.length > 0) return { warnings };
  return readObject(typeName, createRegistry(...files, ...wellKnownFiles), value as JsonValue);
}

function readObject(typeName: string, registry: Registry, value: JsonValue): PatchVerdict {
  const schema = registry.getMessage(typeName);
  if (schema === undefined) throw new Error(`${typeName} is not in its file`);
  let object: Message;
  try {
    object = fromJson(schema, value, { registry, ignoreUnknownFields: true });
  } catch (error) {
    return { error: { message: messageOf(error) }, warnings: [] };
  }
  const warnings: string[] = [];
  try {
    fromJson(schema, value, { registry });
  } catch (error) {
    warnings.push(messageOf(error));
  }
  for (const name of withoutTypedConfig(reflect(schema, object))) {
    warnings.push(`${JSON.stringify(name)} has no typed_config: choosing an extension by its name is of old`);
  }
  return { warnings };
}

function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return `is no such object: ${text.replace(/^cannot decode /u, "cannot read ").slice(0, 300)}`;
}

/** Every "@type" in the value; the depth is bounded by who read the file. */
function typeUrls(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(typeUrls);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) => (key === "@type" && typeof part === "string" ? [part] : typeUrls(part)));
}

const wellKnownFiles = Object.values(wellKnown).filter(isFile);
const require = createRequire(import.meta.url);
const loaded = new Map<string, readonly DescFile[]>();

/** The files of a type's package. */
function filesOf(typeName: string): readonly DescFile[] {
  let name = typeName;
  // A type may stand within another one.
  do name = name.slice(0, Math.max(0, name.lastIndexOf(".")));
  while (name !== "" && !Object.hasOwn(typeFiles, name));
  if (name === "") return wellKnownFiles;
  const known = loaded.get(name);
  if (known !== undefined) return known;
  const files = (typeFiles[name] ?? "").split(" ").flatMap((file) => {
    const code = require(`#envoy/gen/${name.replaceAll(".", "/")}/${file}_pb`) as object;
    return Object.values(code).filter(isFile);
  });
  loaded.set(name, files);
  return files;
}

function isKnown(files: readonly DescFile[], typeName: string): boolean {
  const within = (messages: readonly DescMessage[]): boolean =>
    messages.some((one) => one.typeName === typeName || (typeName.startsWith(`${one.typeName}.`) && within(one.nestedMessages)));
  return files.some((file) => within(file.messages));
}

function isFile(value: unknown): value is DescFile {
  return typeof value === "object" && value !== null && (value as { kind?: unknown }).kind === "file";
}

/** Names of the objects that need a typed_config and have none. */
function withoutTypedConfig(object: ReflectMessage): readonly string[] {
  const names: string[] = [];
  let needed = false;
  let has = false;
  let name = "";
  for (const field of object.fields) {
    const isSet = object.isSet(field);
    if (field.localName === "name" && field.fieldKind === "scalar") name = String(object.get(field));
    if (field.localName === "typedConfig") needed = true;
    if ((field.localName === "typedConfig" || field.localName === "configDiscovery") && isSet) has = true;
    if (isSet && field.fieldKind === "message") names.push(...withoutTypedConfig(object.get(field)));
  }
  return needed && !has ? [...names, name] : names;
}
