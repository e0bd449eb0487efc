// Whether a cluster is new enough, and whether whoever installs may do so. Pure: the facts come from files that kubectl wrote.
import type { Finding } from "#api/finding";
import { MESSAGES, type MessageType } from "#control-plane/analysis/messages";

/** The answer of a SelfSubjectAccessReview. */
export interface AccessReview {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly isAllowed: boolean;
  readonly reason: string;
}

/** What an installation creates: `group/resource`. */
export const INSTALLED_RESOURCES: readonly string[] = [
  "/namespaces",
  "rbac.authorization.k8s.io/clusterroles",
  "rbac.authorization.k8s.io/clusterrolebindings",
  "apiextensions.k8s.io/customresourcedefinitions",
  "rbac.authorization.k8s.io/roles",
  "/serviceaccounts",
  "/services",
  "apps/deployments",
  "/configmaps",
  "admissionregistration.k8s.io/mutatingwebhookconfigurations",
  "admissionregistration.k8s.io/validatingwebhookconfigurations",
];

const MINIMUM_MINOR = 30;

function finding<Arguments extends readonly unknown[]>(type: MessageType<Arguments>, values: Arguments, hint: string): Finding {
  return { level: type.level, code: type.code, message: type.text(...values), hint };
}

/** The minor version of `v1.30.2`, also with what vendors add; undefined for anything else. */
export function kubernetesMinor(version: string): number | undefined {
  const found = /^v?1\.(\d{1,3})(?:[.+-].*)?$/u.exec(version);
  return found === null ? undefined : Number(found[1]);
}

export function checkKubernetesVersion(version: string): readonly Finding[] {
  const minor = kubernetesMinor(version);
  if (minor === undefined || minor >= MINIMUM_MINOR) return [];
  return [finding(MESSAGES.UnsupportedKubernetesVersion, [version, `1.${MINIMUM_MINOR}`], "upgrade the cluster first")];
}

export function checkPermissions(reviews: readonly AccessReview[]): readonly Finding[] {
  return reviews.flatMap(({ verb, group, resource, isAllowed, reason }) => {
    if (isAllowed || verb !== "create" || !INSTALLED_RESOURCES.includes(`${group}/${resource}`)) return [];
    const why = reason === "" ? "permission denied" : reason;
    return finding(MESSAGES.InsufficientPermissions, [resource, why], "ask for a role that may create it");
  });
}

/** `group/resource` of what no review tells about. */
export function unreviewed(reviews: readonly AccessReview[]): readonly string[] {
  const seen = new Set(reviews.filter(({ verb }) => verb === "create").map(({ group, resource }) => `${group}/${resource}`));
  return INSTALLED_RESOURCES.filter((name) => !seen.has(name));
}

/** From a SelfSubjectAccessReview with its status; undefined when it is no answer about resources. */
export function readAccessReview(value: unknown): AccessReview | undefined {
  const review = value as {
    readonly kind?: unknown;
    readonly spec?: { readonly resourceAttributes?: Readonly<Record<string, unknown>> | null } | null;
    readonly status?: Readonly<Record<string, unknown>> | null;
  } | null;
  const attributes = review?.spec?.resourceAttributes;
  const status = review?.status;
  if (review?.kind !== "SelfSubjectAccessReview" || typeof attributes !== "object" || attributes === null) return undefined;
  if (typeof status !== "object" || status === null || typeof status["allowed"] !== "boolean") return undefined;
  const text = (part: unknown): string => (typeof part === "string" ? part : "");
  return {
    verb: text(attributes["verb"]),
    group: text(attributes["group"]),
    resource: text(attributes["resource"]),
    isAllowed: status["allowed"],
    reason: text(status["reason"]),
  };
}
