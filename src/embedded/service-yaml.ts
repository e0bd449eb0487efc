// The YAML behind `mizzen run --service hello --port 3000`: what a user would have written by hand. Pure.
import type { RunnableGroup } from "./child-messages.ts";

export interface QuickService {
  readonly name: string;
  readonly namespace: string;
  /** The port that callers use, and on which the program listens when it can have it. */
  readonly port: number;
}

/**
 * The sidecar's own port for it. It differs from the program's: many programs listen on every address of the machine, and would
 * then collide with their sidecar.
 */
export function sidecarPort(port: number): number {
  return port + 10_000 <= 65_535 ? port + 10_000 : port - 10_000;
}

export function groupName(service: QuickService): string {
  return `${service.name}-v1`;
}

export function quickServiceYaml(service: QuickService): string {
  const labels = [`app: ${service.name}`, "version: v1"];
  return `apiVersion: v1
kind: Service
metadata:
  name: ${service.name}
  namespace: ${service.namespace}
spec:
  ports:
    - name: http
      port: ${service.port}
      targetPort: ${sidecarPort(service.port)}
  selector:
    app: ${service.name}
---
apiVersion: networking.istio.io/v1
kind: WorkloadGroup
metadata:
  name: ${groupName(service)}
  namespace: ${service.namespace}
spec:
  metadata:
    labels:
${labels.map((label) => `      ${label}`).join("\n")}
  template:
    labels:
${labels.map((label) => `      ${label}`).join("\n")}
    ports:
      http: ${sidecarPort(service.port)}
`;
}

export function quickServiceGroup(service: QuickService, directory: string, terminationDrainMs: number): RunnableGroup {
  return {
    spec: {
      namespace: service.namespace,
      group: groupName(service),
      labels: { app: service.name, version: "v1" },
      serviceAccount: "default",
      ports: [{ name: "http", number: sidecarPort(service.port), protocol: "HTTP" }],
      probe: undefined,
    },
    command: undefined,
    directory,
    terminationDrainMs,
  };
}

/** A name that Kubernetes takes for a Service: an RFC 1035 label. */
export function isServiceName(name: string): boolean {
  return /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name);
}
