// What statistics call a cluster and the connections to it: the cluster's name, or MeshConfig's pattern.
import type { Service, ServicePort } from "#control-plane/registry/service";

export interface StatNameInputs {
  readonly pattern: string | undefined;
  readonly clusterName: string;
  readonly service: Service | undefined;
  readonly port: Pick<ServicePort, "number" | "name">;
  readonly subset: string;
  readonly targetPort: number;
}

/** It ends with ";" so that Istio's tag extraction sees where it ends. */
export function statName(inputs: StatNameInputs): string {
  const name = connectionStatName(inputs);
  return name.endsWith(";") ? name : `${name};`;
}

/** As it is written, for filters of connections. */
export function connectionStatName({ pattern, clusterName, service, port, subset, targetPort }: StatNameInputs): string {
  if (pattern === undefined || pattern === "" || service === undefined) return clusterName;
  const isKubernetes = service.source === "Service";
  const values: Readonly<Record<string, string>> = {
    SERVICE: isKubernetes ? `${service.name}.${service.namespace}` : service.hostname,
    SERVICE_FQDN: service.hostname,
    SERVICE_NAME: isKubernetes ? service.name : service.hostname,
    SERVICE_PORT: String(port.number),
    SERVICE_PORT_NAME: port.name,
    TARGET_PORT: String(targetPort),
    SUBSET_NAME: subset,
  };
  return pattern.replaceAll(/%([A-Z_]+)%/gu, (written, variable: string) => values[variable] ?? written);
}
