// Who may answer for a service: the names of which its endpoints' certificates must bear one.
import type { MeshConfigSpec } from "#api/mesh-config";
import type { Service, ServiceEndpoint } from "#control-plane/registry/service";

const SPIFFE = "spiffe://";
const ACCOUNT = /^spiffe:\/\/[^/]+(?<path>\/ns\/[^/]+\/sa\/[^/]+)$/u;

/** `endpoints`: those of all ports. Sorted; every account also under the aliases of the trust domain. */
export function serviceIdentities(
  service: Pick<Service, "namespace" | "subjectAltNames" | "serviceAccounts">,
  endpoints: Iterable<Pick<ServiceEndpoint, "namespace" | "serviceAccount">>,
  mesh: MeshConfigSpec,
): readonly string[] {
  const trustDomain = mesh.trustDomain ?? "cluster.local";
  const names = new Set(service.subjectAltNames);
  for (const account of service.serviceAccounts) {
    names.add(account.startsWith(SPIFFE) ? account : identity(trustDomain, service.namespace, account));
  }
  for (const { namespace, serviceAccount } of endpoints) {
    if (serviceAccount !== "" && namespace !== "") names.add(identity(trustDomain, namespace, serviceAccount));
  }
  // A name of another form is taken as it is.
  const paths = [...names].flatMap((name) => ACCOUNT.exec(name)?.groups?.["path"] ?? []);
  for (const alias of mesh.trustDomainAliases ?? []) {
    for (const path of paths) names.add(`${SPIFFE}${alias}${path}`);
  }
  return [...names].sort();
}

function identity(trustDomain: string, namespace: string, account: string): string {
  // A trust domain that is an account of Google's has an @, which no SPIFFE ID may have.
  return `${SPIFFE}${trustDomain.replaceAll("@", ".")}/ns/${namespace}/sa/${account}`;
}
