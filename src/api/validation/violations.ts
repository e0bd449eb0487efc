// How validation reports: every rule that is broken, with the field's path. What becomes of it (place, level, Finding) is the
// caller's business, so that the same rules serve files, the API server and analysis.
import type { FieldPath } from "#api/field-path";

export interface Violation {
  readonly level: "error" | "warning";
  readonly code: string;
  readonly path: FieldPath;
  readonly message: string;
  readonly hint: string | undefined;
}

/** What validation may know of the object around the spec. */
export interface CheckedObject {
  readonly name: string;
  readonly namespace: string;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** Istio's code for an object that its validation refuses. */
const schemaCode = "IST0106";

export class Check {
  readonly object: CheckedObject;
  readonly #path: FieldPath;
  readonly #violations: Violation[];
  readonly #worst: Violation["level"];

  constructor(object: CheckedObject, path: FieldPath, violations: Violation[], worst: Violation["level"] = "error") {
    this.object = object;
    this.#path = path;
    this.#violations = violations;
    this.#worst = worst;
  }

  at(...path: (string | number)[]): Check {
    return new Check(this.object, [...this.#path, ...path], this.#violations, this.#worst);
  }

  error(message: string, hint?: string): void {
    this.#violations.push({ level: this.#worst, code: schemaCode, path: this.#path, message, hint });
  }

  warning(message: string, hint?: string, code = schemaCode): void {
    this.#violations.push({ level: "warning", code, path: this.#path, message, hint });
  }

  /** A check whose errors are warnings. */
  lenient(): Check {
    return new Check(this.object, this.#path, this.#violations, "warning");
  }

  /** An error when there is a fault: `check.refuse(domainFault(host))`. */
  refuse(fault: string | undefined, hint?: string): void {
    if (fault !== undefined) this.error(fault, hint);
  }
}
