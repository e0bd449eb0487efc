// `--suppress CODE=RESOURCE`: findings that nobody wants to see. A resource is `Kind name.namespace` or `Kind namespace/name`, with *
// for any text. Pure.
import type { Finding } from "#api/finding";
import { writtenKind } from "#api/kinds";

export interface Suppression {
  readonly code: string;
  readonly resource: RegExp;
}

/** undefined when the text is no suppression. */
export function parseSuppression(text: string): Suppression | undefined {
  const [code, resource, more] = text.split("=");
  if (code === undefined || code === "" || resource === undefined || resource === "" || more !== undefined) return undefined;
  const pattern = resource
    .split("*")
    .map((part) => part.replaceAll(/[.\\+?^${}()|[\]]/gu, String.raw`\$&`))
    .join(".*");
  return { code, resource: new RegExp(`^${pattern}$`, "u") };
}

export function isSuppressed({ code, object }: Finding, suppressions: readonly Suppression[]): boolean {
  if (object === undefined) return false;
  const kind = writtenKind(object.kind);
  const names =
    object.namespace === ""
      ? [`${kind} ${object.name}`]
      : [`${kind} ${object.namespace}/${object.name}`, `${kind} ${object.name}.${object.namespace}`];
  return suppressions.some((suppression) => suppression.code === code && names.some((name) => suppression.resource.test(name)));
}
