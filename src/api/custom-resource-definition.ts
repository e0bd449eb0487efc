// CustomResourceDefinitions made from the declarations: what a Kubernetes API server needs to keep and check Istio's kinds.
import type { Field, Message, Shape } from "./declaration.ts";
import { decodedKind } from "./kinds.ts";

type Json = { readonly [key: string]: unknown };

interface Resource {
  readonly kind: string;
  readonly plural: string;
  readonly shortName?: string;
  /** The version that objects are stored in; the first of the declaration where it is not said. */
  readonly stored?: string;
  readonly specRequired?: boolean;
  readonly columns: readonly Column[];
}

interface Column {
  readonly name: string;
  readonly jsonPath: string;
  readonly type: string;
  readonly description: string;
}

function column(name: string, jsonPath: string, description: string): Column {
  return { name, jsonPath, type: "string", description };
}

const age: Column = { name: "Age", jsonPath: ".metadata.creationTimestamp", type: "date", description: "When it was made" };

const resources: readonly Resource[] = [
  {
    kind: "VirtualService",
    plural: "virtualservices",
    shortName: "vs",
    columns: [
      column("Gateways", ".spec.gateways", "Gateways that apply the routes"),
      column("Hosts", ".spec.hosts", "Names that callers use"),
      age,
    ],
  },
  { kind: "DestinationRule", plural: "destinationrules", shortName: "dr", columns: [column("Host", ".spec.host", "The service"), age] },
  { kind: "Gateway", plural: "gateways", shortName: "gw", columns: [] },
  {
    kind: "ServiceEntry",
    plural: "serviceentries",
    shortName: "se",
    specRequired: true,
    columns: [
      column("Hosts", ".spec.hosts", "Names that callers use"),
      column("Location", ".spec.location", "Whether it is part of the mesh"),
      column("Resolution", ".spec.resolution", "How addresses are found"),
      age,
    ],
  },
  {
    kind: "WorkloadEntry",
    plural: "workloadentries",
    shortName: "we",
    specRequired: true,
    columns: [age, column("Address", ".spec.address", "Where the instance is")],
  },
  { kind: "WorkloadGroup", plural: "workloadgroups", shortName: "wg", specRequired: true, columns: [age] },
  { kind: "Sidecar", plural: "sidecars", columns: [] },
  { kind: "EnvoyFilter", plural: "envoyfilters", columns: [] },
  { kind: "ProxyConfig", plural: "proxyconfigs", columns: [] },
  {
    kind: "AuthorizationPolicy",
    plural: "authorizationpolicies",
    shortName: "ap",
    columns: [column("Action", ".spec.action", "What happens to what matches"), age],
  },
  {
    kind: "PeerAuthentication",
    plural: "peerauthentications",
    shortName: "pa",
    columns: [column("Mode", ".spec.mtls.mode", "Whether mutual TLS is asked for"), age],
  },
  { kind: "RequestAuthentication", plural: "requestauthentications", shortName: "ra", columns: [] },
  { kind: "Telemetry", plural: "telemetries", shortName: "telemetry", stored: "v1alpha1", columns: [age] },
  { kind: "WasmPlugin", plural: "wasmplugins", specRequired: true, columns: [age] },
  { kind: "TrafficExtension", plural: "trafficextensions", specRequired: true, columns: [age] },
];

export function customResourceKinds(): readonly string[] {
  return resources.map(({ kind }) => kind);
}

export function customResourceDefinitions(): readonly Json[] {
  return resources.map(definition);
}

function definition(resource: Resource): Json {
  const { kind, plural, shortName, columns } = resource;
  const declaration = decodedKind(kind);
  if (declaration === undefined) throw new Error(`kind ${kind} is not declared`);
  const group = declaration.apiVersions[0]?.split("/")[0] ?? "";
  const versions = declaration.apiVersions.map((apiVersion) => apiVersion.split("/")[1] ?? "");
  const stored = resource.stored ?? versions[0];
  const schema = {
    type: "object",
    properties: {
      spec: {
        description: declaration.spec.name,
        ...shapeSchema({ kind: "message", message: declaration.spec, limits: declaration.limits }),
      },
      status: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    },
    ...(resource.specRequired === true ? { required: ["spec"] } : {}),
  };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: {
        categories: ["istio-io", `${group.split(".")[0]}-istio-io`],
        kind,
        listKind: `${kind}List`,
        plural,
        ...(shortName === undefined ? {} : { shortNames: [shortName] }),
        singular: kind.toLowerCase(),
      },
      scope: "Namespaced",
      versions: versions.map((name) => ({
        ...(columns.length === 0 ? {} : { additionalPrinterColumns: columns }),
        name,
        served: true,
        storage: name === stored,
        schema: { openAPIV3Schema: schema },
        subresources: { status: {} },
      })),
    },
  };
}

function messageSchema(message: Message): Json {
  const properties: Record<string, Json> = {};
  const required: string[] = [];
  for (const [name, field] of message.fields) {
    properties[name] = fieldSchema(field);
    if (field.alsoWritten !== undefined) properties[field.alsoWritten] = fieldSchema(field);
    if (field.required) required.push(name);
  }
  const groups = message.oneofs.map((group) => ({ oneOf: atMostOne(group) }));
  const only = groups.length === 1 ? groups[0] : undefined;
  return {
    type: "object",
    ...(message.fields.size === 0 ? {} : { properties }),
    ...(required.length === 0 ? {} : { required }),
    ...(only ?? (groups.length === 0 ? {} : { allOf: groups })),
  };
}

function fieldSchema(field: Field): Json {
  return { description: field.doc, ...shapeSchema(field.type.shape) };
}

/** None of them, or exactly one: what a structural schema may say without a type. */
function atMostOne(names: readonly string[]): readonly Json[] {
  const each = names.map((name) => ({ required: [name] }));
  return [{ not: { anyOf: each } }, ...each];
}

function shapeSchema(shape: Shape): Json {
  // `says` is for messages; the rest has the names of schemas.
  const { rules, listKeys, says: _, ...limits } = shape.limits ?? {};
  return {
    ...typeSchema(shape),
    ...limits,
    ...(listKeys === undefined ? {} : listType(listKeys)),
    ...(rules === undefined ? {} : { "x-kubernetes-validations": rules }),
  };
}

function listType(keys: readonly string[]): Json {
  if (keys.length === 0) return { "x-kubernetes-list-type": "set" };
  return { "x-kubernetes-list-map-keys": keys, "x-kubernetes-list-type": "map" };
}

function typeSchema(shape: Shape): Json {
  switch (shape.kind) {
    case "string":
    case "duration":
      return { type: "string" };
    case "bool":
      return { type: "boolean" };
    case "integer":
      return integerSchema(shape.min, shape.max);
    case "number":
      return { type: "number", format: "double" };
    case "enum":
      return { type: "string", enum: [...shape.numbers.keys()] };
    case "integer-or-string":
      return { "x-kubernetes-int-or-string": true };
    case "json":
      return { type: "object", "x-kubernetes-preserve-unknown-fields": true };
    case "repeated":
      return { type: "array", items: shapeSchema(shape.element) };
    case "map":
      return { type: "object", additionalProperties: shapeSchema(shape.value) };
    case "message":
      return messageSchema(shape.message);
  }
}

function integerSchema(min: number, max: number): Json {
  if (min < 0) return { type: "integer", ...(max === 2 ** 31 - 1 ? { format: "int32" } : {}) };
  return { type: "integer", minimum: min, ...(max === 2 ** 32 - 1 ? { maximum: max } : {}) };
}
