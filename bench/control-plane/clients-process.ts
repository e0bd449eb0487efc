// The clients of the control plane's benchmark, in a process of their own so that its CPU is not theirs.
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE } from "#envoy/type-urls";
import { XdsClients } from "./xds-clients.ts";

export type ClientsRequest =
  | { readonly type: "connect"; readonly count: number }
  /** Answered when every client has routes with the mark. */
  | { readonly type: "expect"; readonly mark: string }
  /** Answered when every client has been sent everything once more. */
  | { readonly type: "expect-all" };

export interface ClientsReport {
  readonly done: ClientsRequest["type"];
}

const ALL_TYPES = [CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE];

let connected = 0;
let onResponse: (client: number, typeUrl: string, bytes: Buffer) => void = () => {};
const clients = new XdsClients({
  port: Number(process.argv[2]),
  onResponse: (client, typeUrl, bytes) => onResponse(client, typeUrl, bytes),
});

function report(done: ClientsReport["done"]): void {
  onResponse = () => {};
  process.send?.({ done } satisfies ClientsReport);
}

process.on("message", (request: ClientsRequest) => {
  if (request.type === "connect") {
    connected = request.count;
    void clients.connect(request.count).then(() => report("connect"));
    return;
  }
  const waiting = new Set<string>();
  const wants = request.type === "expect" ? [ROUTE_TYPE] : ALL_TYPES;
  for (let client = 0; client < connected; client++) for (const typeUrl of wants) waiting.add(`${client} ${typeUrl}`);
  onResponse = (client, typeUrl, bytes) => {
    if (request.type === "expect" && (typeUrl !== ROUTE_TYPE || !bytes.includes(request.mark))) return;
    waiting.delete(`${client} ${typeUrl}`);
    if (waiting.size === 0) report(request.type);
  };
});
process.on("disconnect", () => process.exit(0));
