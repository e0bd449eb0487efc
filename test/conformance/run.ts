// `npm run conformance -- DIR [section ...]`: runs every implemented section of an acceptance corpus, prints
// `section: passed N of M` and the failing ids. A section is one file here; the table below is the only list.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

/** What narrows a section down, or makes it tell more; sections without scenarios ignore it. */
export interface SectionOptions {
  /** Globs of names. */
  readonly scenario: readonly string[];
  readonly type: string | undefined;
  readonly verbose: boolean;
}

export interface SectionResult {
  readonly passed: number;
  readonly total: number;
  readonly failures: readonly { readonly id: string; readonly why: string }[];
  /** Cases that belong to features that are not there yet, by name: counted apart, never as passed. */
  readonly later?: readonly { readonly id: string; readonly why: string }[];
  /** While a feature grows: the section is fine when at least so many cases pass. */
  readonly required?: number;
  /** What is wrong with the section's own tables: fails always. */
  readonly faults?: readonly string[];
  /** What else is to be read. */
  readonly report?: readonly string[];
}

interface Section {
  /** What must exist in the corpus for the section to run. */
  readonly needs: string;
  readonly load: () => Promise<{ run(directory: string, options: SectionOptions): Promise<SectionResult> }>;
  /** Takes longer than a check may: runs when it is named. */
  readonly isLong?: true;
}

const SECTIONS: Readonly<Record<string, Section>> = {
  istiod: { needs: "istiod/INDEX.json", load: () => import("./istiod.ts") },
  "istiod/comparer": { needs: "istiod/INDEX.json", load: () => import("./istiod-comparer.ts") },
  "tier-1": { needs: "istiod/INDEX.json", load: () => import("./tier-1.ts") },
  "proxy-accepts": { needs: "istiod/INDEX.json", load: () => import("./proxy-accepts.ts") },
  "semantics/simulation": { needs: "semantics/simulation.json", load: () => import("./semantics/simulation.ts") },
  "semantics/sidecar-routes": { needs: "semantics/sidecar-routes.json", load: () => import("./semantics/sidecar-routes.ts") },
  "semantics/unit-tables": { needs: "semantics/unit-tables.json", load: () => import("./semantics/unit-tables.ts") },
  analyze: { needs: "analyze/cases.json", load: () => import("./analyze.ts") },
  samples: { needs: "samples/bookinfo/networking", load: () => import("./samples.ts") },
  "samples-objects": { needs: "samples/index.json", load: () => import("./samples-objects.ts") },
  "validate/gateway-api": { needs: "validate/gateway-api/cases.json", load: () => import("./gateway-api.ts") },
  "validate/unit": { needs: "validate/unit/cases.json", load: () => import("./validate/unit.ts") },
  "validate/cel": { needs: "validate/cel/cases.json", load: () => import("./validate/cel.ts") },
  "validate/api-server": { needs: "validate/cel/cases.json", load: () => import("./validate/api-server-verdicts.ts") },
  "validate/crds": { needs: "validate/cel/crd-all.gen.yaml", load: () => import("./validate/crds.ts") },
  "validate/dataset": { needs: "validate/dataset/cases.json", load: () => import("./validate/dataset.ts") },
  "bad-input": { needs: "samples/index.json", isLong: true, load: () => import("./bad-input.ts") },
  router: { needs: "router/cases.json", load: () => import("./router.ts") },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    scenario: { type: "string", multiple: true, default: [] },
    type: { type: "string" },
    verbose: { type: "boolean", default: false },
  },
});
const [directoryArgument, ...wanted] = positionals;
const options: SectionOptions = { scenario: values.scenario, type: values.type, verbose: values.verbose };
if (directoryArgument === undefined) {
  console.error("usage: npm run conformance -- DIR [section ...] [--scenario GLOB ...] [--type TYPE] [--verbose]");
  process.exit(2);
}
const directory = resolve(directoryArgument);
if (!existsSync(directory)) {
  console.error(`conformance: no such directory: ${directoryArgument}`);
  process.exit(2);
}
/** `validate` means all of `validate/...`. */
const meant = (name: string, section: string): boolean => section === name || section.startsWith(`${name}/`);
for (const name of wanted) {
  if (!Object.keys(SECTIONS).some((section) => meant(name, section))) {
    console.error(`conformance: no section "${name}"; there are ${Object.keys(SECTIONS).join(", ")}`);
    process.exit(2);
  }
}
let failed = false;
for (const [name, section] of Object.entries(SECTIONS)) {
  if (wanted.length === 0 ? section.isLong === true : !wanted.some((one) => meant(one, name))) continue;
  if (!existsSync(join(directory, section.needs))) {
    console.log(`${name}: not in this corpus (${section.needs})`);
    if (wanted.includes(name)) failed = true;
    continue;
  }
  const result = await (await section.load()).run(directory, options);
  console.log(`${name}: passed ${result.passed} of ${result.total}`);
  for (const { id, why } of result.failures) console.log(`  failed ${id}: ${why}`);
  if (result.later !== undefined && result.later.length > 0) {
    console.log(`  not served yet: ${result.later.length}`);
    for (const { id, why } of result.later) console.log(`    ${id}: ${why}`);
  }
  for (const line of result.report ?? []) console.log(`  ${line}`);
  if (result.required !== undefined && result.passed < result.required) console.log(`  failed: at least ${result.required} have to pass`);
  if (result.required === undefined ? result.failures.length > 0 : result.passed < result.required) failed = true;
  for (const fault of result.faults ?? []) console.log(`  failed: ${fault}`);
  if (result.total === 0 || (result.faults ?? []).length > 0) failed = true;
}
// A pipe takes what was printed in its own time.
await new Promise((printed) => process.stdout.write("", printed));
process.exit(failed ? 1 : 0);
