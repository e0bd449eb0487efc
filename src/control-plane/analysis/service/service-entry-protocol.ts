// ServiceEntries for one host and port must agree on the protocol, as far as the same callers see them.
import { fullName, type Analyzer } from "#control-plane/analysis/analyzer";
import type { ObjectOf } from "#control-plane/analysis/analyzed-object";
import { MESSAGES } from "#control-plane/analysis/messages";

interface Definition {
  readonly protocol: string;
  readonly entry: ObjectOf<"ServiceEntry">;
}

interface HostPort {
  readonly host: string;
  readonly port: number;
  readonly byScope: Map<string, Definition[]>;
}

const EVERYBODY = "*";

export const serviceEntryProtocolAnalyzer: Analyzer = {
  name: "serviceentry.ConflictingServiceEntryProtocolAnalyzer",
  description: "ServiceEntries for one host and port agree on the protocol",
  inputs: ["ServiceEntry"],
  analyze: ({ objects, report }) => {
    const reported = new Set<ObjectOf<"ServiceEntry">>();
    for (const { host, port, byScope } of definitions(objects.list("ServiceEntry"))) {
      for (const [scope, own] of byScope) {
        const all = scope === EVERYBODY ? own : [...own, ...(byScope.get(EVERYBODY) ?? [])];
        const protocols = [...new Set(all.map(({ protocol }) => protocol))].toSorted();
        if (protocols.length < 2) continue;
        const names = [...new Set(all.map(({ entry }) => fullName(entry)))].toSorted().join(", ");
        for (const { entry } of all) {
          if (reported.has(entry)) continue;
          reported.add(entry);
          report(entry, MESSAGES.ConflictingServiceEntryProtocol, [names, host, port, protocols.join(", ")], { near: "spec.ports" });
        }
      }
    }
  },
};

function definitions(entries: readonly ObjectOf<"ServiceEntry">[]): Iterable<HostPort> {
  const found = new Map<string, HostPort>();
  for (const entry of entries) {
    const exportTo = entry.spec.exportTo ?? [];
    const scopes =
      exportTo.length === 0 || exportTo.includes(EVERYBODY)
        ? [EVERYBODY]
        : new Set(exportTo.map((scope) => (scope === "." ? entry.key.namespace : (scope ?? ""))));
    for (const host of entry.spec.hosts ?? []) {
      for (const port of entry.spec.ports ?? []) {
        const at = `${host ?? ""}|${port?.number ?? 0}`;
        let hostPort = found.get(at);
        if (hostPort === undefined) found.set(at, (hostPort = { host: host ?? "", port: port?.number ?? 0, byScope: new Map() }));
        for (const scope of scopes) {
          const definition = { protocol: (port?.protocol ?? "").toUpperCase(), entry };
          const list = hostPort.byScope.get(scope);
          if (list === undefined) hostPort.byScope.set(scope, [definition]);
          else list.push(definition);
        }
      }
    }
  }
  return found.values();
}
