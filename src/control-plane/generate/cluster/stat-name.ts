// What statistics call a cluster: its name, or MeshConfig's pattern. It ends with ";" so that Istio's tag extraction sees where it ends.
import type { Service, ServicePort } from "#control-plane/registry/service";

export interface StatNameInputs {
  readonly pattern: string | undefined;
  readonly clusterName: string;
  readonly service: Service | undefined;
  readonly port: ServicePort;
  readonly subset: string;
  readonly targetPort: number;
}

export function statName({ pattern, clusterName, service, port, subset, targetPort }: StatNameInputs): string {
  if (pattern === undefined || pattern === "" || service === undefined) return `${clusterName};`;
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
  const name = pattern.replaceAll(/%([A-Z_]+)%/gu, (written, variable: string) => values[variable] ?? written);
  return name.endsWith(";") ? name : `${name};`;
}
