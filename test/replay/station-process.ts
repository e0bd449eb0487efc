// Runs inside one network namespace and does there what it is told to: echo servers, requests, resources for the proxy beside it. One
// process for the world, one for the pod. `station.ts` is the other end.
import { FakeAuthority } from "#proxy/net/certificates.fake";
import type { KeyPair } from "#runtime/x509";
import { startReplayServer, type ReplayResource, type ReplayServer } from "./ads-server.ts";
import { EchoServer, type EchoListener } from "./echo-server.ts";
import { startNameServer } from "./name-server.ts";
import { send } from "./traffic-client.ts";
import type { TrafficRequest } from "./traffic.ts";

/** What a station is asked; every question gets one answer. */
export type StationTask =
  | { readonly do: "start"; readonly root: KeyPair; readonly nameServer: string | undefined }
  | { readonly do: "echo"; readonly listeners: readonly EchoListener[]; readonly identities: Readonly<Record<string, string>> }
  | { readonly do: "send"; readonly request: TrafficRequest }
  | { readonly do: "arrivals"; readonly beginning: string }
  | { readonly do: "serve"; readonly resources: readonly ReplayResource[] }
  | { readonly do: "nacks" }
  | { readonly do: "get"; readonly url: string };

let echo: EchoServer | undefined;
let replay: ReplayServer | undefined;

async function perform(task: StationTask): Promise<unknown> {
  switch (task.do) {
    case "start":
      echo = new EchoServer(new FakeAuthority("root", task.root));
      if (task.nameServer !== undefined) await startNameServer(task.nameServer);
      return undefined;
    case "echo":
      echo?.closeConnections();
      echo?.setIdentities(task.identities);
      return echo?.listen(task.listeners);
    case "send":
      return send(task.request);
    case "arrivals":
      return echo?.arrivals(task.beginning) ?? [];
    case "serve":
      // A new server for each proxy: no stream of the one before is left.
      await replay?.close();
      replay = await startReplayServer(task.resources);
      return replay.port;
    case "nacks":
      return replay?.nacks ?? [];
    case "get": {
      const response = await fetch(task.url, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined);
      return response === undefined ? undefined : { status: response.status, body: await response.text() };
    }
  }
}

process.on("message", ({ id, task }: { id: number; task: StationTask }) => {
  perform(task).then(
    (result) => process.send?.({ id, result }),
    (error: unknown) => process.send?.({ id, error: error instanceof Error ? error.message : String(error) }),
  );
});
process.on("disconnect", () => process.exit(0));
