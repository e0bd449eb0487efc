// What the values of annotations must look like that injection reads. Facts of Istio's injector.
import { isIP } from "node:net";

/** What is wrong with a value; undefined when nothing is. */
export type ValueFault = (value: string) => string | undefined;

const fault =
  (isRight: (value: string) => boolean, what: string): ValueFault =>
  (value) =>
    isRight(value) ? undefined : `${JSON.stringify(value)} is not ${what}`;

const MAX_PORT = 2 ** 16 - 1;
const MAX_UINT32 = 2 ** 32 - 1;
/** Linux' limit for the names of interfaces. */
const MAX_INTERFACE_NAME = 15;

function isNumber(text: string, max: number): boolean {
  return /^\d+$/u.test(text) && Number(text) <= max;
}

function isCidr(text: string): boolean {
  const slash = text.lastIndexOf("/");
  const family = isIP(text.slice(0, slash));
  const bits = text.slice(slash + 1);
  return slash > 0 && family !== 0 && /^(?:0|[1-9]\d{0,2})$/u.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
}

const all = (value: string, isRight: (part: string) => boolean): boolean => value === "" || value.split(",").every(isRight);

const areCidrs = (value: string): boolean => all(value, isCidr);
const arePorts = (value: string): boolean => all(value.trim(), (part) => isNumber(part.trim(), MAX_PORT));
const isInterface = (name: string): boolean => name.length <= MAX_INTERFACE_NAME && /^[a-zA-Z][a-zA-Z0-9_.-]*$/u.test(name);

const interceptionMode = fault((value) => ["REDIRECT", "TPROXY", "NONE"].includes(value), "REDIRECT, TPROXY or NONE");
const count = fault((value) => isNumber(value, MAX_UINT32), "a whole number");
const port = fault((value) => isNumber(value.trim(), MAX_PORT), "a port");
const ports = fault(arePorts, "a list of ports, by commas");
const portsOrAll = fault((value) => value === "*" || arePorts(value), "a list of ports, by commas, or *");
const networks = fault(areCidrs, "a list of networks like 10.0.0.0/8, by commas");
const networksOrAll = fault((value) => value === "*" || areCidrs(value), "a list of networks like 10.0.0.0/8, by commas, or *");
const interfaces = fault((value) => all(value, (part) => isInterface(part.trim())), "a list of network interfaces, by commas");
const bool = fault((value) => /^(?:1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/u.test(value), "true or false");
const quantity = fault(
  (value) => /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$/u.test(value),
  "a quantity like 100m or 128Mi",
);

export const ANNOTATION_VALUES: ReadonlyMap<string, ValueFault> = new Map([
  ["sidecar.istio.io/interceptionMode", interceptionMode],
  ["status.sidecar.istio.io/port", port],
  ["readiness.status.sidecar.istio.io/initialDelaySeconds", count],
  ["readiness.status.sidecar.istio.io/periodSeconds", count],
  ["readiness.status.sidecar.istio.io/failureThreshold", count],
  ["traffic.sidecar.istio.io/includeOutboundIPRanges", networksOrAll],
  ["traffic.sidecar.istio.io/excludeOutboundIPRanges", networks],
  ["traffic.sidecar.istio.io/includeInboundPorts", portsOrAll],
  ["traffic.sidecar.istio.io/excludeInboundPorts", ports],
  ["traffic.sidecar.istio.io/excludeOutboundPorts", ports],
  ["traffic.sidecar.istio.io/excludeInterfaces", interfaces],
  ["traffic.sidecar.istio.io/kubevirtInterfaces", interfaces],
  ["istio.io/reroute-virtual-interfaces", interfaces],
  ["prometheus.istio.io/merge-metrics", bool],
  ["sidecar.istio.io/proxyCPU", quantity],
  ["sidecar.istio.io/proxyMemory", quantity],
  ["sidecar.istio.io/proxyCPULimit", quantity],
  ["sidecar.istio.io/proxyMemoryLimit", quantity],
]);
