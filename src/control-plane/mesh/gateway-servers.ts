// What a gateway proxy listens to: the servers of all Gateways that select it. A Service port that leads to the proxy is
// translated to the port behind it, which is how port 80 works without root. Servers that cannot stand beside others are left out.
import type { GatewaySpec, Server } from "#api/gateway";
import { keyOf, type ApiObject } from "#api/object";
import { keyText, type Finding } from "#api/finding";
import { parseProtocol } from "#control-plane/registry/protocol";
import { selects, type Labels } from "#control-plane/registry/labels";
import { isHttp, type Service, type ServicePort } from "#control-plane/registry/service";
import { GatewayPorts } from "./gateway-ports.ts";
import type { GatewayServer } from "./mesh.ts";

const NO_TRANSLATION_LABEL = "experimental.istio.io/disable-gateway-port-translation";
/** Set by whoever makes a Gateway for Services that it knows by name: no labels are compared then. */
const SERVICES_ANNOTATION = "internal.istio.io/gateway-service";

export interface MergedGateways {
  /** Oldest Gateway first. */
  readonly servers: readonly GatewayServer[];
  /** Servers that lost their port, or their hosts, to an older one. */
  readonly conflicts: readonly Finding[];
}

/** The gateway proxy that Gateways are merged for. */
export interface GatewayWorkload {
  readonly labels: Labels;
  /** Services that select it, by hostname in order. */
  readonly services: readonly Service[];
  /** Where its port of a Service is; undefined when that is not known. */
  targetPort(service: Service, port: ServicePort): number | undefined;
}

/** Istio takes Gateways of all namespaces; an empty selector selects every gateway proxy. */
export function mergeGateways(gateways: readonly ApiObject<GatewaySpec>[], workload: GatewayWorkload): MergedGateways {
  const ports = new GatewayPorts();
  const servers: GatewayServer[] = [];
  const conflicts: Finding[] = [];
  for (const gateway of gateways) {
    const named = servicesNamedBy(gateway, workload.services);
    if (named === undefined ? !selects(gateway.spec.selector ?? {}, workload.labels) : named.length === 0) continue;
    for (const [serverIndex, written] of (gateway.spec.servers ?? []).entries()) {
      for (const targetPort of targetPorts(written.port.number, named, workload)) {
        const server = toGatewayServer(gateway, serverIndex, written, targetPort);
        const conflict = ports.add(server);
        if (conflict === undefined) servers.push(server);
        else conflicts.push(conflictFinding(server, conflict));
      }
    }
  }
  return { servers, conflicts };
}

/** undefined: the Gateway names no Services, its selector counts. */
function servicesNamedBy(gateway: ApiObject<GatewaySpec>, services: readonly Service[]): readonly Service[] | undefined {
  const { annotations, namespace } = gateway.metadata;
  const names = annotations[SERVICES_ANNOTATION]?.split(",");
  return names === undefined
    ? undefined
    : services.filter((service) => service.namespace === namespace && names.includes(service.hostname));
}

function targetPorts(number: number, named: readonly Service[] | undefined, workload: GatewayWorkload): readonly number[] {
  const found = new Set<number>();
  for (const service of named ?? workload.services) {
    if (named === undefined && service.labels[NO_TRANSLATION_LABEL] !== undefined) continue;
    const port = service.ports.find((candidate) => candidate.number === number);
    const target = port === undefined ? undefined : workload.targetPort(service, port);
    if (target === undefined) continue;
    found.add(target);
    // A selector says nothing of Services, so the first that has the port decides.
    if (named === undefined) break;
  }
  // A Gateway that names its Services means their ports alone.
  return found.size === 0 && named === undefined ? [number] : [...found];
}

function toGatewayServer(gateway: ApiObject<GatewaySpec>, serverIndex: number, written: Server, targetPort: number): GatewayServer {
  const { number, protocol } = written.port;
  const plainHttp = isHttp(parseProtocol(protocol));
  // The mode that is not written is proto's first: PASSTHROUGH. On a plain HTTP port only httpsRedirect means something.
  const tlsMode = written.tls === undefined || plainHttp ? undefined : (written.tls.mode ?? "PASSTHROUGH");
  return {
    gateway,
    serverIndex,
    portNumber: number,
    protocol,
    targetPort,
    bind: written.bind ?? "",
    hosts: serverHosts(written.hosts, gateway.metadata.namespace),
    routeName: routeName(gateway, written, targetPort),
    httpsRedirect: written.tls?.httpsRedirect ?? false,
    tlsMode,
    tls: written.tls,
  };
}

/** `./host` is that of the Gateway's own namespace, `<star>/host` that of any. */
function serverHosts(written: readonly string[], namespace: string): readonly string[] {
  const hosts: string[] = [];
  for (const host of written) {
    const slash = host.indexOf("/");
    const scope = slash < 0 ? "*" : host.slice(0, slash);
    const name = host.slice(slash + 1);
    if (slash >= 0 && scope === "*" && name === "*") return ["*"];
    hosts.push(scope === "*" ? name : `${scope === "." ? namespace : scope}/${name}`);
  }
  return hosts;
}

/** Plain HTTP of one port is one table, whoever declares it; a server that ends TLS has one of its own, named by the port as written. */
function routeName(gateway: ApiObject<GatewaySpec>, { port, bind, tls }: Server, targetPort: number): string {
  const suffix = bind === undefined || bind === "" ? "" : `.${bind}`;
  const protocol = parseProtocol(port.protocol);
  if (isHttp(protocol)) return `http.${targetPort}${suffix}`;
  const passes = tls !== undefined && isPassthrough(tls.mode ?? "PASSTHROUGH");
  if (protocol !== "HTTPS" || passes) return "";
  return `https.${port.number}.${port.name}.${gateway.metadata.name}.${gateway.metadata.namespace}${suffix}`;
}

export function isPassthrough(tlsMode: string | undefined): boolean {
  return tlsMode === "PASSTHROUGH" || tlsMode === "AUTO_PASSTHROUGH";
}

/** `namespace/name` of the server's Gateway. */
export function gatewayNameOf({ gateway }: GatewayServer): string {
  return `${gateway.metadata.namespace}/${gateway.metadata.name}`;
}

/** The server's hosts as far as a VirtualService of that namespace may use them. */
export function hostsForNamespace(server: Pick<GatewayServer, "hosts">, namespace: string): readonly string[] {
  const hosts: string[] = [];
  for (const host of server.hosts) {
    const slash = host.indexOf("/");
    if (slash < 0 || host.startsWith("*/") || host.slice(0, slash) === namespace) hosts.push(host.slice(slash + 1));
  }
  return hosts;
}

function conflictFinding(
  server: GatewayServer,
  { owner, hosts }: { readonly owner: GatewayServer; readonly hosts: readonly string[] },
): Finding {
  const gateway = keyText(keyOf(owner.gateway));
  const place = { object: keyOf(server.gateway), field: `spec.servers[${server.serverIndex}]` };
  if (hosts.length > 0) {
    return {
      level: "error",
      code: "MZ0007",
      message: `${hosts.join(", ")} on port ${server.portNumber} is served by ${gateway}, so this server is left out`,
      object: place.object,
      field: `${place.field}.hosts`,
      hint: "name each host in one server of a port",
    };
  }
  return {
    level: "error",
    code: "MZ0007",
    message: `port ${server.portNumber} is used as ${owner.protocol} by ${gateway}, so it cannot also serve ${server.protocol}`,
    object: place.object,
    field: `${place.field}.port`,
    hint: "use another port or the same protocol",
  };
}
