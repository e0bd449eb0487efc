// Counts responses by code, as Envoy: `<prefix>_completed`, `<prefix>_2xx`, and where wanted `<prefix>_200`. Prometheus sees the class and
// the code as labels: `<prefix>_xx{envoy_response_code_class="2"}`, `<prefix>{envoy_response_code="200"}`.
import type { Counter, NamePart, StatsScope } from "#telemetry/stats/store";

/** `eager`: the classes are there before they count (a connection manager's). Else each is made when it is first seen (a cluster's). */
export type CodeDetail = "eager classes" | "codes";

export class CodeStats {
  #completed: Counter | undefined;
  readonly #classes: (Counter | undefined)[] = [undefined, undefined, undefined, undefined, undefined];
  /** By status - 100. */
  readonly #codes: (Counter | undefined)[] | undefined;
  readonly #scope: StatsScope;
  readonly #prefix: string;

  constructor(scope: StatsScope, prefix: string, detail: CodeDetail) {
    this.#scope = scope;
    this.#prefix = prefix;
    if (detail === "codes") {
      this.#codes = [];
      return;
    }
    this.#completed = scope.counter(`${prefix}_completed`);
    for (let digit = 1; digit <= 5; digit++) this.#classes[digit - 1] = scope.counter(codeClass(prefix, digit));
  }

  /** Codes outside of 100 to 599 count as completed only. */
  charge(status: number): void {
    (this.#completed ??= this.#scope.counter(`${this.#prefix}_completed`)).inc();
    if (status < 100 || status > 599) return;
    const digit = Math.trunc(status / 100);
    (this.#classes[digit - 1] ??= this.#scope.counter(codeClass(this.#prefix, digit))).inc();
    const codes = this.#codes;
    if (codes !== undefined) (codes[status - 100] ??= this.#scope.counter(code(this.#prefix, status))).inc();
  }
}

function codeClass(prefix: string, digit: number): NamePart {
  return { tag: "envoy.response_code_class", value: String(digit), dotted: `${prefix}_${digit}xx`, plain: `${prefix}_xx` };
}

function code(prefix: string, status: number): NamePart {
  return { tag: "envoy.response_code", value: String(status), dotted: `${prefix}_${status}`, plain: prefix };
}
