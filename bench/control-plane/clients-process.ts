// The clients of the control plane's benchmark, in a process of their own so that its CPU is not theirs.
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE, SHORT_TYPE } from "#envoy/type-urls";
import { HealthAgent } from "./health-agent.ts";
import { XdsClients } from "./xds-clients.ts";

export type ClientsRequest =
  | { readonly type: "connect"; readonly count: number }
  /** Answered when every client has routes with the mark. */
  | { readonly type: "expect"; readonly mark: string }
  /** Answered when every client has been sent everything once more. */
  | { readonly type: "expect-all" }
  /** Reports an application healthy and unhealthy in turn for a while, and counts what the clients are sent. */
  | { readonly type: "flap"; readonly seconds: number; readonly perSecond: number };

export interface ClientsReport {
  readonly done: ClientsRequest["type"];
  /** By short type name, of all clients together. */
  readonly responses?: Readonly<Record<string, number>>;
}

const ALL_TYPES = [CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE];

let connected = 0;
let onResponse: (client: number, typeUrl: string, bytes: Buffer) => void = () => {};
const clients = new XdsClients({
  port: Number(process.argv[2]),
  onResponse: (client, typeUrl, bytes) => onResponse(client, typeUrl, bytes),
});

function report(done: ClientsReport["done"], responses?: Readonly<Record<string, number>>): void {
  onResponse = () => {};
  process.send?.({ done, ...(responses === undefined ? {} : { responses }) } satisfies ClientsReport);
}

async function flap(seconds: number, perSecond: number): Promise<void> {
  const counts: Record<string, number> = {};
  onResponse = (_, typeUrl) => {
    const type = SHORT_TYPE[typeUrl] ?? typeUrl;
    counts[type] = (counts[type] ?? 0) + 1;
  };
  const agent = new HealthAgent(Number(process.argv[2]));
  for (let sent = 0; sent < seconds * perSecond; sent++) {
    agent.report(sent % 2 === 0);
    await new Promise((resolve) => setTimeout(resolve, 1000 / perSecond));
  }
  agent.close();
  report("flap", counts);
}

process.on("message", (request: ClientsRequest) => {
  if (request.type === "connect") {
    connected = request.count;
    void clients.connect(request.count).then(() => report("connect"));
    return;
  }
  if (request.type === "flap") {
    void flap(request.seconds, request.perSecond);
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
