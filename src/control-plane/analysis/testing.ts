// Analysis of YAML in a few words, for tests.
import type { Finding } from "#api/finding";
import { parseFile } from "#api/parse-file";
import type { MeshConfigSpec } from "#api/mesh-config";
import { analyze } from "./analyze.ts";
import { fromDocument } from "./analyzed-object.ts";
import type { Analyzer } from "./analyzer.ts";
import { ALL_ANALYZERS } from "./analyzers.ts";

export interface AnalyzeYaml {
  /** All when it is left out. */
  readonly analyzer?: string | Analyzer;
  readonly meshConfig?: MeshConfigSpec;
  readonly wallMs?: number;
  /** The cluster of each further text. */
  readonly clusters?: Readonly<Record<string, string>>;
}

export function analyzeYaml(yaml: string, { analyzer, meshConfig = {}, wallMs = 0, clusters = {} }: AnalyzeYaml = {}): readonly Finding[] {
  const texts: readonly (readonly [string, string | undefined])[] = [
    [yaml, undefined],
    ...Object.entries(clusters).map(([cluster, text]) => [text, cluster] as const),
  ];
  const objects = texts.flatMap(([text, cluster]) =>
    parseFile(text, "test.yaml", { isMeshConfig: false }).flatMap((document) => fromDocument(document, cluster) ?? []),
  );
  const analyzers =
    typeof analyzer === "object" ? [analyzer] : ALL_ANALYZERS.filter(({ name }) => analyzer === undefined || name === analyzer);
  if (analyzers.length === 0) throw new Error("there is no such analyzer");
  return analyze({ objects, meshConfig, analyzers, wallMs }).findings;
}
