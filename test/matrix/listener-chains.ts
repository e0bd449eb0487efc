// What the calls need to know of listeners in proto JSON.
import type { JsonObject } from "@bufbuild/protobuf";
import type { RecordedResources } from "../replay/recorded-resources.ts";
import { at, number, objects, text, texts } from "./json-fields.ts";

export interface Chain {
  readonly json: JsonObject;
  readonly serverNames: readonly string[];
  /** First address of each destination range. */
  readonly addresses: readonly string[];
  readonly destinationPort: number | undefined;
  /** The connection manager's routes; undefined for a chain of another kind. */
  readonly routes: JsonObject | undefined;
  readonly isHttp: boolean;
  readonly terminatesTls: boolean;
  readonly wantsClientCertificate: boolean;
  readonly isWeighted: boolean;
}

export function socketAddress(listener: JsonObject): { address: string; port: number } | undefined {
  const { address, portValue } = at(listener, "address", "socketAddress");
  const port = number(portValue);
  return typeof address === "string" && port !== undefined ? { address, port } : undefined;
}

export function chainsOf(listener: JsonObject, resources: RecordedResources): readonly Chain[] {
  const defaultChain = listener["defaultFilterChain"] === undefined ? [] : [at(listener, "defaultFilterChain")];
  return [...objects(listener["filterChains"]), ...defaultChain].map((json) => chainOf(json, resources));
}

function chainOf(json: JsonObject, resources: RecordedResources): Chain {
  const match = at(json, "filterChainMatch");
  const configs = objects(json["filters"]).map((filter) => at(filter, "typedConfig"));
  const ofType = (type: string): JsonObject | undefined => configs.find((config) => text(config["@type"])?.endsWith(type));
  const manager = ofType(".HttpConnectionManager");
  const tcp = ofType(".TcpProxy");
  const tls = at(json, "transportSocket", "typedConfig");
  return {
    json,
    serverNames: texts(match["serverNames"]),
    addresses: objects(match["prefixRanges"]).flatMap((range) => text(range["addressPrefix"]) ?? []),
    destinationPort: number(match["destinationPort"]),
    routes: manager === undefined ? undefined : routesOf(manager, resources),
    isHttp: manager !== undefined,
    terminatesTls: text(tls["@type"])?.endsWith(".DownstreamTlsContext") === true,
    wantsClientCertificate: tls["requireClientCertificate"] === true,
    isWeighted: tcp?.["weightedClusters"] !== undefined,
  };
}

function routesOf(manager: JsonObject, resources: RecordedResources): JsonObject {
  const name = text(at(manager, "rds")["routeConfigName"]);
  return name === undefined ? at(manager, "routeConfig") : (resources.routes.find((routes) => routes["name"] === name) ?? {});
}
