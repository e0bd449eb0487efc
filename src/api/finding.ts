// What the product says about configuration: one shape for decoding, validation, references and analysis, for the CLI, the
// control plane and the console.

/** error: the object (or the part named) does not work; warning: it works, likely not as meant; info: good to know. */
export type FindingLevel = "error" | "warning" | "info";

/** Where something stands in a file; lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface ObjectKey {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

export interface Finding {
  readonly level: FindingLevel;
  /** Stable and greppable: an istioctl code (`IST0101`) where one fits, else our own (`MZ0001`). */
  readonly code: string;
  /** Lower case, one sentence, no full stop; names the object or value. */
  readonly message: string;
  readonly object?: ObjectKey;
  /** The field's path: `spec.http[2].route[0].weight`. */
  readonly field?: string;
  readonly place?: Place;
  /** What to do, in the imperative: `did you mean "weight"?`. */
  readonly hint?: string;
}

/** Under this kind the Gateway API's Gateways live beside Istio's; people know both as Gateway. */
export const kubernetesGatewayKind = "KubernetesGateway";

export function keyText(key: ObjectKey): string {
  const kind = key.kind === kubernetesGatewayKind ? "Gateway" : key.kind;
  return `${kind} ${key.namespace === "" ? "" : `${key.namespace}/`}${key.name}`;
}

/** `file:line:column: error MZ0002 VirtualService default/reviews spec.http[0].route[0].weight: must be 0 or more (hint)` */
export function findingText(finding: Finding): string {
  const at = finding.place === undefined ? "" : `${finding.place.file}:${finding.place.line}:${finding.place.column}: `;
  const object = finding.object === undefined ? "" : ` ${keyText(finding.object)}`;
  const field = finding.field === undefined || finding.field === "" ? "" : ` ${finding.field}`;
  const hint = finding.hint === undefined ? "" : ` (${finding.hint})`;
  return `${at}${finding.level} ${finding.code}${object}${field}: ${finding.message}${hint}`;
}
