// A part of a resource, decoded and checked alone or where it belongs in a resource.
import { decode } from "#api/decode";
import type { Type } from "#api/declaration";
import { decodedKind } from "#api/kinds";
import { parsePath, type FieldPath } from "#api/field-path";
import { Check, type Violation } from "#api/validation/violations";
import { readYaml } from "#api/yaml-source";

export interface Verdict {
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

type Found = Pick<Violation, "level" | "path" | "message">;

function verdictOf(found: readonly Found[]): Verdict {
  const texts = (level: string): readonly string[] =>
    found.filter((violation) => violation.level === level).map(({ path, message }) => `${path.join(".")} ${message}`);
  return { errors: texts("error"), warnings: texts("warning") };
}

const object = { name: "case", namespace: "default" };

/** What the decoder and then `validate` say; undefined stands for a value that was not written. */
export function checkValue<T>(type: Type<T>, value: unknown, validate: (decoded: T | undefined, check: Check) => void): Verdict {
  const found: Found[] = [];
  // A list, because a document must not be null.
  const root = readYaml(JSON.stringify([value]), "case.json")[0]?.root;
  if (root?.kind !== "list" || root.items[0] === undefined) throw new Error("the case cannot be read");
  const decoded = decode(type.shape, root.items[0], [], (report) => {
    if (report.level === "error") found.push({ ...report, level: "error" });
  });
  if (found.length === 0) {
    const violations: Violation[] = [];
    validate(decoded as T | undefined, new Check(object, [], violations));
    found.push(...violations);
  }
  return verdictOf(found);
}

const route = [{ destination: { host: "a" } }];
/** Resources in which a part can stand without anything else being wrong. */
const resources: Readonly<Record<string, () => Record<string, unknown>>> = {
  VirtualService: () => ({ hosts: ["a"], http: [{ route }] }),
  DestinationRule: () => ({ host: "a" }),
  Gateway: () => ({ servers: [{ port: { number: 443, protocol: "HTTPS", name: "a" }, hosts: ["*"], tls: {} }] }),
};

export interface Place {
  readonly kind: string;
  readonly path: FieldPath;
}

/** `VirtualService.spec.http[0].retries` */
export function placeOf(lifted: string): Place {
  const [kind = "", ...rest] = lifted.split(".");
  return { kind, path: parsePath(rest.join(".")).slice(1) };
}

/** The value in its resource; `around` changes the resource first. Only what is said about the value itself counts. */
export function checkInResource({ kind, path }: Place, value: unknown, around: readonly (readonly [string, unknown])[] = []): Verdict {
  const declaration = decodedKind(kind);
  if (declaration === undefined) throw new Error(`kind ${kind} is not decoded`);
  const spec = resources[kind]?.() ?? {};
  for (const [at, part] of around) put(spec, parsePath(at), part);
  put(spec, path, value);
  const found: Found[] = [];
  const root = readYaml(JSON.stringify(spec), "case.json")[0]?.root;
  if (root === undefined) throw new Error("the case cannot be read");
  const decoded = decode({ kind: "message", message: declaration.spec }, root, [], (report) => {
    if (report.level === "error") found.push({ ...report, level: "error" });
  });
  if (found.length === 0) {
    const violations: Violation[] = [];
    declaration.validate(decoded, new Check(object, [], violations));
    found.push(...violations);
  }
  return verdictOf(found.filter((violation) => path.every((part, index) => violation.path[index] === part)));
}

function put(target: Record<string, unknown>, path: FieldPath, value: unknown): void {
  let at = target as Record<string | number, unknown>;
  for (const [index, part] of path.slice(0, -1).entries()) {
    at[part] ??= typeof path[index + 1] === "number" ? [] : {};
    at = at[part] as Record<string | number, unknown>;
  }
  at[path.at(-1) ?? ""] = value;
}
