// Istio's kinds and the Gateway API's. Names and columns of Istio's come from the definitions that the product prints; those of the
// Gateway API's are facts of its CRDs.
import { customResourceDefinitions } from "#api/custom-resource-definition";
import { lookUpKind } from "#api/kinds";
import { ageColumn, nameColumn, printerColumn, type Column, type PrinterColumn } from "#control-plane/api-server/table/column";
import { Resource } from "./resource.ts";

/** As much of a definition as is read here. */
interface Definition {
  readonly spec: {
    readonly group: string;
    readonly names: {
      readonly kind: string;
      readonly plural: string;
      readonly shortNames?: readonly string[];
      readonly categories?: readonly string[];
    };
    readonly versions: readonly {
      readonly name: string;
      readonly storage: boolean;
      readonly additionalPrinterColumns?: readonly PrinterColumn[];
      readonly schema: { readonly openAPIV3Schema: { readonly required?: readonly string[] } };
    }[];
  };
}

function istioResources(): readonly Resource[] {
  return customResourceDefinitions().map((definition) => {
    const { group, names, versions } = (definition as unknown as Definition).spec;
    const printed = versions[0]?.additionalPrinterColumns;
    return resourceOf({
      group,
      versions: versions.map(({ name }) => name),
      kind: names.kind,
      plural: names.plural,
      shortNames: names.shortNames ?? [],
      categories: names.categories ?? [],
      namespaced: true,
      specRequired: versions[0]?.schema.openAPIV3Schema.required?.includes("spec") === true,
      columns: [nameColumn, ...(printed === undefined ? [ageColumn] : printed.map(printerColumn))],
    });
  });
}

const gatewayGroup = "gateway.networking.k8s.io";
const experimentalGroup = "gateway.networking.x-k8s.io";
const hostnames: PrinterColumn = { name: "Hostnames", jsonPath: ".spec.hostnames", type: "string" };

function condition(name: string, type: string): PrinterColumn {
  return { name, jsonPath: `.status.conditions[?(@.type=="${type}")].status`, type: "string" };
}

interface GatewayRow {
  readonly kind: string;
  readonly plural: string;
  readonly versions: readonly string[];
  readonly short?: readonly string[];
  readonly group?: string;
  readonly cluster?: boolean;
  readonly columns?: readonly PrinterColumn[];
}

const ROWS: readonly GatewayRow[] = [
  {
    kind: "GatewayClass",
    plural: "gatewayclasses",
    versions: ["v1", "v1beta1"],
    short: ["gc"],
    cluster: true,
    columns: [{ name: "Controller", jsonPath: ".spec.controllerName", type: "string" }, condition("Accepted", "Accepted")],
  },
  {
    kind: "Gateway",
    plural: "gateways",
    versions: ["v1", "v1beta1"],
    short: ["gtw"],
    columns: [
      { name: "Class", jsonPath: ".spec.gatewayClassName", type: "string" },
      { name: "Address", jsonPath: ".status.addresses[*].value", type: "string" },
      condition("Programmed", "Programmed"),
    ],
  },
  {
    kind: "ListenerSet",
    plural: "listenersets",
    versions: ["v1"],
    short: ["lset"],
    columns: [condition("Accepted", "Accepted"), condition("Programmed", "Programmed")],
  },
  { kind: "HTTPRoute", plural: "httproutes", versions: ["v1", "v1beta1"], columns: [hostnames] },
  { kind: "GRPCRoute", plural: "grpcroutes", versions: ["v1"], columns: [hostnames] },
  { kind: "TLSRoute", plural: "tlsroutes", versions: ["v1", "v1alpha3", "v1alpha2"] },
  { kind: "TCPRoute", plural: "tcproutes", versions: ["v1", "v1alpha2"] },
  { kind: "UDPRoute", plural: "udproutes", versions: ["v1", "v1alpha2"] },
  { kind: "ReferenceGrant", plural: "referencegrants", versions: ["v1", "v1beta1"], short: ["refgrant"] },
  { kind: "BackendTLSPolicy", plural: "backendtlspolicies", versions: ["v1", "v1alpha3"], short: ["btlspolicy"] },
  { kind: "XListenerSet", plural: "xlistenersets", versions: ["v1alpha1"], group: experimentalGroup, short: ["xlset"] },
  {
    kind: "XBackendTrafficPolicy",
    plural: "xbackendtrafficpolicies",
    versions: ["v1alpha1"],
    group: experimentalGroup,
    short: ["xbtrafficpolicy"],
  },
  { kind: "XMesh", plural: "xmeshes", versions: ["v1alpha1"], group: experimentalGroup, short: ["mesh"], cluster: true },
  { kind: "XBackend", plural: "xbackends", versions: ["v1alpha1"], group: experimentalGroup, short: ["xbe"] },
];

function gatewayResources(): readonly Resource[] {
  return ROWS.map(({ kind, plural, versions, short = [], group = gatewayGroup, cluster = false, columns = [] }) =>
    resourceOf({
      group,
      versions,
      kind,
      plural,
      shortNames: short,
      categories: ["gateway-api"],
      namespaced: !cluster,
      columns: [nameColumn, ...columns.map(printerColumn), ageColumn],
    }),
  );
}

interface Described {
  readonly group: string;
  readonly versions: readonly string[];
  readonly kind: string;
  readonly plural: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly specRequired?: boolean;
  readonly columns: readonly Column[];
}

function resourceOf(described: Described): Resource {
  const declarations = described.versions.flatMap((version) => {
    const found = lookUpKind(`${described.group}/${version}`, described.kind);
    return found.is === "decoded" ? [[version, found.declaration] as const] : [];
  });
  return new Resource({ ...described, declarations: new Map(declarations), subresources: ["status"], isCustom: true });
}

export function customResources(): readonly Resource[] {
  return [...istioResources(), ...gatewayResources()];
}
