// Section "semantics/simulation": Istio's own tables of calls, made through what our control plane generates and our proxy's code decides.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { generateResources } from "#control-plane/generate/resources";
import { meshOfUncheckedYaml, nodeOf } from "../../harness/mesh-of-yaml.ts";
import type { Call, CallError, CallResult } from "../../simulation/call.ts";
import { ProxyConfiguration } from "../../simulation/proxy-configuration.ts";
import { simulate } from "../../simulation/simulate.ts";
import type { SectionResult } from "../run.ts";

/** Absent fields are not compared, unless the match is strict. */
interface ExpectedResult extends Omit<Partial<CallResult>, "error"> {
  readonly error?: CallError | "" | typeof ENVOY_REFUSES;
  readonly strictMatch?: boolean;
}

interface SimulationCase {
  readonly id: string;
  /** The Go test that the rows come from. */
  readonly test: string;
  readonly name: string;
  readonly proxy: {
    readonly type: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly namespace?: string;
    readonly ip?: string;
  };
  readonly config: string | null;
  readonly kubeConfig: string | null;
  readonly meshConfig: object | null;
  readonly calls: readonly {
    readonly name: string;
    readonly call: Call;
    readonly result: ExpectedResult;
  }[];
}

/** Labels of proxies that the tables lost on their way, by test: its Sidecars and policies select them. */
const LOST_LABELS: Readonly<Record<string, Readonly<Record<string, string>>>> = { TestInboundSidecarTLSModes: { app: "foo" } };

/** What later work brings, by what stands in the configuration. */
const LATER: readonly { readonly pattern: RegExp; readonly what: string }[] = [{ pattern: /kind: EnvoyFilter\b/, what: "EnvoyFilter" }];

/** So many calls come out as they should at least: all that there are here. */
const PASSING = 151;

/** What Istio's table expects of a listener that Envoy refuses: a bug that it keeps an eye on. */
const ENVOY_REFUSES = "multiple filter chains matched";

const FIELDS = [
  "error",
  "listenerMatched",
  "filterChainMatched",
  "routeMatched",
  "routeConfigMatched",
  "virtualHostMatched",
  "clusterMatched",
] as const;

export function run(directory: string): Promise<SectionResult> {
  const { cases } = JSON.parse(readFileSync(join(directory, "semantics/simulation.json"), "utf8")) as { cases: readonly SimulationCase[] };
  const failures: { id: string; why: string }[] = [];
  const later: { id: string; why: string }[] = [];
  let passed = 0;
  for (const test of cases) {
    const { config, kubeConfig } = test;
    const yaml = `${config ?? ""}\n---\n${kubeConfig ?? ""}`;
    const laterKind = LATER.find(({ pattern }) => pattern.test(yaml));
    if (laterKind !== undefined) {
      for (const { name } of test.calls) later.push({ id: `${test.id}/${name}`, why: `${test.name}: ${laterKind.what}` });
      continue;
    }
    let configuration: ProxyConfiguration | undefined;
    let problem = "";
    try {
      const node = nodeOf({
        type: test.proxy.type,
        id: "app.test",
        namespace: test.proxy.namespace ?? "default",
        ips: [test.proxy.ip ?? "1.1.1.1"],
        labels: { ...LOST_LABELS[test.test], ...test.proxy.labels },
        serviceAccount: "",
        metadata: {},
      });
      const mesh = meshOfUncheckedYaml(yaml, test.meshConfig === null ? "" : stringify(test.meshConfig));
      configuration = new ProxyConfiguration(generateResources(mesh.view(node)));
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
    }
    for (const { name, call, result } of test.calls) {
      const id = `${test.id}/${name}`;
      const why = configuration === undefined ? problem : differenceOf(configuration, call, result);
      if (why === "") passed++;
      else failures.push({ id, why: `${test.name}: ${why}` });
    }
  }
  return Promise.resolve({ passed, total: passed + failures.length, failures, later, required: PASSING });
}

function differenceOf(configuration: ProxyConfiguration, call: Call, expected: ExpectedResult): string {
  let got: CallResult;
  try {
    got = simulate(configuration, call);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  // istiod lets two servers have one server name, and no Envoy takes that listener. Ours gives it to the older, and says so.
  if (expected.error === ENVOY_REFUSES) return got.filterChainMatched !== "" || got.routeConfigMatched !== "" ? "" : `error "${got.error}"`;
  return FIELDS.flatMap((field) => {
    const wanted = expected[field] ?? "";
    // An error is always compared, the rest where the table says something.
    if (wanted === "" && field !== "error" && expected.strictMatch !== true) return [];
    return sameName(wanted, got[field]) ? [] : [`${field} "${got[field]}", expected "${wanted}"`];
  }).join("; ");
}

/** The tables were made without a domain: there `a` in namespace default is `a.default`. */
function sameName(expected: string, got: string): boolean {
  return expected === got || (/\|[^.|]+\.[^.|]+$/.test(expected) && `${expected}.svc.cluster.local` === got);
}
