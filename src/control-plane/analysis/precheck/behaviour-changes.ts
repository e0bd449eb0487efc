// What changed its meaning since the version that one upgrades from, where the objects show that it is used.
import type { Analyzer } from "#control-plane/analysis/analyzer";
import { MESSAGES } from "#control-plane/analysis/messages";

/** The minor version of a `1.N`; undefined for anything else. */
export function minorVersion(text: string): number | undefined {
  const found = /^1\.(\d{1,3})(?:\.\d{1,3})?$/u.exec(text);
  return found === null ? undefined : Number(found[1]);
}

/** Until 1.21 proxies sent spans to this Service without being asked to. */
const LAST_WITH_ZIPKIN = 21;

export function behaviourChangesAnalyzer(fromMinor: number): Analyzer {
  return {
    name: "precheck.BehaviourChanges",
    description: "Nothing depends on defaults that an upgrade changes",
    inputs: ["Service"],
    analyze: ({ objects, report }) => {
      if (fromMinor > LAST_WITH_ZIPKIN) return;
      const zipkin = objects.find("Service", "istio-system", "zipkin");
      if (zipkin === undefined) return;
      const detail = "tracing to zipkin.istio-system is no longer on by default";
      report(zipkin, MESSAGES.UpdateIncompatibility, ["meshConfig.defaultConfig.tracer", "1.21", detail, "1.21"], {
        hint: "turn tracing on with a Telemetry and an extension provider",
      });
    },
  };
}
