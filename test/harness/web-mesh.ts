// The smallest mesh with a way in: a Gateway, a route that marks its responses, so that a caller sees which edit is live, and a host.
import type { ObjectWrite } from "#control-plane/config/object-store";
import type { ObjectName, StoredObject } from "#control-plane/config/stored-object";

const NETWORKING = "networking.istio.io";

export const MARKED_ROUTE: ObjectName = { group: NETWORKING, resource: "virtualservices", namespace: "default", name: "web" };

function creation(resource: string, kind: string, name: string, spec: object): ObjectWrite {
  const object = { apiVersion: `${NETWORKING}/v1`, kind, metadata: { name, namespace: "default" }, spec };
  return { verb: "create", name: { group: NETWORKING, resource, namespace: "default", name }, object };
}

function routeMarked(mark: string, gateways: readonly string[]): object {
  const route = [{ destination: { host: "web.example.com", port: { number: 80 } } }];
  return { hosts: ["*"], gateways, http: [{ route, headers: { response: { set: { "x-mark": mark } } } }] };
}

/** `gateways`: the port of each, by the name that gateway proxies bear as `istio:`. */
export function webMesh(applicationPort: number, gateways: Readonly<Record<string, number>>, mark: string): readonly ObjectWrite[] {
  return [
    creation("serviceentries", "ServiceEntry", "web", {
      hosts: ["web.example.com"],
      ports: [{ number: 80, name: "http", protocol: "HTTP" }],
      resolution: "STATIC",
      endpoints: [{ address: "127.0.0.1", ports: { http: applicationPort } }],
    }),
    ...Object.entries(gateways).map(([name, number]) =>
      creation("gateways", "Gateway", name, {
        selector: { istio: name },
        servers: [{ port: { number, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
      }),
    ),
    creation("virtualservices", "VirtualService", "web", routeMarked(mark, Object.keys(gateways))),
  ];
}

/** The edit that is seen in responses as `x-mark`. */
export function markRoute(mark: string): ObjectWrite {
  const change = (current: StoredObject | undefined): StoredObject => {
    if (current === undefined) throw new Error("the route is not there");
    const { gateways } = current["spec"] as { readonly gateways: readonly string[] };
    return { ...current, spec: routeMarked(mark, gateways) };
  };
  return { verb: "modify", name: MARKED_ROUTE, change };
}
