// Section `validate/unit`: the rows of Istio's validation tables. Each says valid or invalid, and some want a warning.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseFile } from "#api/parse-file";
import type { SectionResult } from "../run.ts";
import { expand, withoutNullItems } from "./case-values.ts";
import { checkInResource, placeOf, type Verdict } from "./fragment.ts";
import { validators, type UnitCase } from "./validators.ts";

/** Differences that are wanted, at most one in a hundred cases; a row whose difference is gone fails. */
const exceptions: Readonly<Record<string, string>> = {
  V0306: "a server's port needs its number, 0 for a unix socket, as Istio's schema has it; in Go 0 and nothing are the same",
  V0322: "Istio's schema allows two tlsCertificates and refuses three before its rules can warn of them",
  V0341: "Istio's schema allows two tlsCertificates and refuses three before its rules can warn of them",
};

export async function run(corpusRoot: string): Promise<SectionResult> {
  const all = JSON.parse(readFileSync(join(corpusRoot, "validate/unit/cases.json"), "utf8")) as readonly UnitCase[];
  // A Go value of the wrong type cannot be written down.
  const cases = all.filter((one) => one.level !== "go-only");
  const failures: { id: string; why: string }[] = [];
  for (const one of cases) {
    const why = difference(one);
    const reason = Object.hasOwn(exceptions, one.id) ? exceptions[one.id] : undefined;
    if (reason === undefined && why !== undefined) failures.push({ id: one.id, why });
    if (reason !== undefined && why === undefined) failures.push({ id: one.id, why: `is an exception without need: ${reason}` });
  }
  return { passed: cases.length - failures.length, total: cases.length, failures };
}

function difference(one: UnitCase): string | undefined {
  const value = expand(one.value);
  const { valid } = one.expect;
  if (one.flags?.includes("contains-null-element") !== true) return compare(one, verdictOf(one, value));
  // null in a list is refused, as by the API server; the rest of the case must come out as in Istio.
  if (verdictOf(one, value).errors.length === 0) return "null is accepted";
  const rest = verdictOf(one, withoutNullItems(value));
  return valid ? compare(one, rest) : undefined;
}

function compare({ expect }: UnitCase, { errors, warnings }: Verdict): string | undefined {
  if (expect.valid && errors.length > 0) return `refused: ${errors.join("; ")}`;
  if (!expect.valid && errors.length === 0) return "accepted, though it is invalid";
  if (expect.warning === true && warnings.length === 0) return "no warning";
  return undefined;
}

function verdictOf(one: UnitCase, value: unknown): Verdict {
  if (one.level === "resource") return resourceVerdict(value);
  const validate = Object.hasOwn(validators, one.validator) ? validators[one.validator] : undefined;
  if (validate !== undefined) return validate(value, one.args ?? {});
  if (typeof one.liftPath !== "string") return { errors: [], warnings: [`no rule answers for ${one.validator}`] };
  // Nothing written is nothing said: the field is left out.
  if (value === null) return { errors: [], warnings: [] };
  return checkInResource(placeOf(one.liftPath), value, around(one));
}

/** What the call of the case says about the resource around the value. */
function around({ call = "", args = {}, liftPath }: UnitCase): readonly (readonly [string, unknown])[] {
  if (call.startsWith("validateHTTPRoute(tc.route, true")) return [["hosts", []]];
  if (liftPath === "VirtualService.spec.tcp[0].route") return [["http", []]];
  if (liftPath === "Gateway.spec.servers[0].port")
    return [
      ["servers[0].bind", args["bind"]],
      ["servers[0].tls", undefined],
    ];
  if (liftPath?.endsWith(".localityLbSetting") === true && args["outlier"] !== null) {
    return [["trafficPolicy.outlierDetection", args["outlier"]]];
  }
  return [];
}

function resourceVerdict(value: unknown): Verdict {
  const resource = value as { readonly metadata?: Record<string, unknown> };
  // Istio's tables test specs and leave names out.
  const metadata = { ...resource.metadata, name: resource.metadata?.["name"] ?? "case" };
  if (metadata.name === "") metadata.name = "case";
  const findings = parseFile(JSON.stringify({ ...resource, metadata }), "case.json").flatMap((document) => document.findings);
  const texts = (level: string): readonly string[] =>
    findings.filter((finding) => finding.level === level).map(({ field, message }) => `${field ?? ""} ${message}`);
  const said = findings.filter((finding) => finding.level === "warning" && finding.code.startsWith("IST"));
  return { errors: texts("error"), warnings: said.map(({ message }) => message) };
}
