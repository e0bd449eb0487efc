// The conditions of an AuthorizationPolicy's `when`: their names, and which values they take.
import { subnetFault } from "#api/validation/names";

/** What is wrong with values, or undefined. */
export type ValuesFault = (values: readonly string[]) => string | undefined;

export const emptyFault: ValuesFault = (values) => (values.includes("") ? "a value must not be empty" : undefined);

export const addressFault: ValuesFault = (values) => first(values, subnetFault);

export const portsFault: ValuesFault = (values) =>
  first(values, (value) => (/^\d{1,9}$/u.test(value) && Number(value) <= 65535 ? undefined : `${JSON.stringify(value)} is no port`));

/** `*` stands at the start or the end, once. */
const wildcardFault: ValuesFault = (values) =>
  emptyFault(values) ??
  first(values, (value) => {
    const stars = value.split("*").length - 1;
    if (stars > 1) return `${JSON.stringify(value)} has more than one wildcard`;
    if (stars === 1 && !value.startsWith("*") && !value.endsWith("*"))
      return `${JSON.stringify(value)}: a wildcard stands at the start or the end`;
    return undefined;
  });

export const trustDomainFault: ValuesFault = (values) =>
  wildcardFault(values) ?? first(values, (value) => (value.includes("/") ? `${JSON.stringify(value)} is no trust domain` : undefined));

const maxAccounts = 16;
const maxAccountLength = 320;

export const accountFault: ValuesFault = (values) => {
  if (values.length > maxAccounts) return `at most ${maxAccounts} accounts can be named`;
  return first(values, (value) => {
    const parts = value.split("/");
    if (value.includes("*")) return `${JSON.stringify(value)}: an account has no wildcard`;
    if (parts.length > 2 || parts.includes("")) return `${JSON.stringify(value)} is neither ACCOUNT nor NAMESPACE/ACCOUNT`;
    return value.length > maxAccountLength ? `an account has at most ${maxAccountLength} characters` : undefined;
  });
};

function first(values: readonly string[], fault: (value: string) => string | undefined): string | undefined {
  for (const value of values) {
    const found = fault(value);
    if (found !== undefined) return found;
  }
  return undefined;
}

const byName: Readonly<Record<string, ValuesFault>> = {
  "source.ip": addressFault,
  "remote.ip": addressFault,
  "destination.ip": addressFault,
  "destination.port": portsFault,
  "source.serviceAccount": accountFault,
  "source.trustDomain": wildcardFault,
  "source.namespace": emptyFault,
  "source.principal": emptyFault,
  "request.auth.principal": emptyFault,
  "request.auth.audiences": emptyFault,
  "request.auth.presenter": emptyFault,
  "connection.sni": emptyFault,
};

const withKey: readonly string[] = ["request.headers", "request.auth.claims", "experimental.envoy.filters."];

/** Attributes of old, and what replaces them. */
const replaced: Readonly<Record<string, string>> = {
  "destination.namespace": "the policy's own namespace replaces it",
  "destination.name": "it was of the alpha API alone",
  "destination.user": "it was of the alpha API alone",
};

/** What is wrong with the attribute's name; undefined when it is one. */
export function attributeFault(key: string): string | undefined {
  if (Object.hasOwn(byName, key)) return undefined;
  if (Object.hasOwn(replaced, key)) return `${key} is no attribute: ${replaced[key]}`;
  if (key.startsWith("destination.labels")) return "destination.labels is no attribute: the policy's selector replaces it";
  if (withKey.some((prefix) => key.startsWith(prefix))) {
    const open = key.indexOf("[");
    const formed = key.endsWith("]") && open > 0 && open < key.length - 2;
    return formed ? undefined : `${JSON.stringify(key)} needs a name in brackets: request.headers[user-agent]`;
  }
  return `${JSON.stringify(key)} is no attribute`;
}

export function attributeNames(): readonly string[] {
  return [...Object.keys(byName), ...withKey.slice(0, 2)];
}

export function attributeValuesFault(key: string, values: readonly string[]): string | undefined {
  return emptyFault(values) ?? (Object.hasOwn(byName, key) ? byName[key]?.(values) : undefined);
}
