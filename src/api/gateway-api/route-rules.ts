// Rules that routes of the Gateway API share.
import type { Check } from "#api/validation/violations";
import { gatewayApiGroup, type BackendObjectReference, type ParentReference } from "./references.ts";
import type { RequestMirror, SessionPersistence } from "./route.ts";

/** Two references to one parent must both name a section or a port, and not the same ones. */
export function checkParentRefs(parents: readonly ParentReference[], check: Check): void {
  const byParent = new Map<string, ParentReference[]>();
  for (const [index, parent] of parents.entries()) {
    const { group = gatewayApiGroup, kind = "Gateway", namespace = "", name, sectionName = "", port } = parent;
    const key = `${group}|${kind}|${namespace}|${name}`;
    const others = byParent.get(key) ?? [];
    byParent.set(key, [...others, parent]);
    for (const other of others) {
      if ((sectionName === "") !== ((other.sectionName ?? "") === "") || (port === undefined) !== (other.port === undefined)) {
        check.at(index).error(`${kind} ${name} is named twice: then every reference must name a sectionName or port`);
        break;
      }
      if (sectionName === (other.sectionName ?? "") && port === other.port) {
        check.at(index).error(`${kind} ${name} is named twice with the same sectionName and port`, "remove one of them");
        break;
      }
    }
  }
}

export function checkBackendRef(backend: BackendObjectReference, check: Check): void {
  const service = (backend.group ?? "") === "" && (backend.kind ?? "Service") === "Service";
  if (service && backend.port === undefined) check.error(`Service ${backend.name} needs a port`, "add port");
}

/** A route has at most this many matches in all its rules. */
const maxMatches = 128;

export function checkRules(
  rules: readonly { readonly name?: string | undefined }[],
  matchesOf: (index: number) => number,
  check: Check,
): void {
  const names = new Set<string>();
  let matches = 0;
  for (const [index, { name }] of rules.entries()) {
    matches += matchesOf(index);
    if (name === undefined) continue;
    if (names.has(name)) check.at(index, "name").error(`${JSON.stringify(name)} is the name of two rules`);
    names.add(name);
  }
  if (matches > maxMatches) check.error(`a route has at most ${maxMatches} matches in all its rules, this one has ${matches}`);
}

interface Filter {
  readonly type: string;
  readonly requestMirror?: RequestMirror | undefined;
}

/** `settings`: the value of type and the field that goes with it. `once`: types that may not be repeated. */
export function checkFilters(
  filters: readonly Filter[],
  settings: Readonly<Record<string, string>>,
  once: ReadonlySet<string>,
  check: Check,
): void {
  const seen = new Set<string>();
  for (const [index, filter] of filters.entries()) {
    const at = check.at(index);
    for (const [type, name] of Object.entries(settings)) {
      const written = (filter as unknown as Readonly<Record<string, unknown>>)[name] !== undefined;
      if (written && filter.type !== type) at.at(name).error(`belongs to type ${type}, the type is ${filter.type}`);
      if (!written && filter.type === type) at.error(`type ${type} needs ${name}`, `add ${name}`);
    }
    if (seen.has(filter.type) && once.has(filter.type)) at.at("type").error(`${filter.type} stands twice`, "put both into one filter");
    seen.add(filter.type);
    if (filter.requestMirror !== undefined) checkMirror(filter.requestMirror, at.at("requestMirror"));
  }
}

function checkMirror(mirror: RequestMirror, check: Check): void {
  checkBackendRef(mirror.backendRef, check.at("backendRef"));
  const { percent, fraction } = mirror;
  if (percent !== undefined && fraction !== undefined) check.at("fraction").error("cannot stand beside percent");
  if (fraction !== undefined && fraction.numerator > (fraction.denominator ?? 100)) {
    check
      .at("fraction", "numerator")
      .error(`must not be greater than the denominator ${fraction.denominator ?? 100}, is ${fraction.numerator}`);
  }
}

export function checkSessionPersistence(session: SessionPersistence | undefined, check: Check): void {
  if (session?.cookieConfig === undefined) return;
  if ((session.type ?? "Cookie") !== "Cookie") check.at("cookieConfig").error("is for type Cookie alone");
  if (session.cookieConfig.lifetimeType === "Permanent" && session.absoluteTimeout === undefined) {
    check.error("a Permanent cookie needs absoluteTimeout");
  }
}
