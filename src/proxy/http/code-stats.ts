// Counts responses by code, as Envoy: `<prefix>_completed`, `<prefix>_2xx`, and where wanted `<prefix>_200`. Prometheus sees the class and
// the code as labels: `<prefix>_xx{envoy_response_code_class="2"}`, `<prefix>{envoy_response_code="200"}`.
import type { Counter, NamePart, StatsScope } from "#telemetry/stats/store";

export class CodeStats {
  readonly completed: Counter;
  readonly #classes: readonly Counter[];
  /** By status - 100; a counter per code that was seen. */
  readonly #codes: (Counter | undefined)[] | undefined;
  readonly #scope: StatsScope;
  readonly #prefix: string;

  constructor(scope: StatsScope, prefix: string, perCode: boolean) {
    this.#scope = scope;
    this.#prefix = prefix;
    this.completed = scope.counter(`${prefix}_completed`);
    this.#classes = [1, 2, 3, 4, 5].map((digit) => scope.counter(codeClass(prefix, digit)));
    this.#codes = perCode ? Array.from<Counter | undefined>({ length: 500 }).fill(undefined) : undefined;
  }

  /** Codes outside of 100 to 599 count as completed only. */
  charge(status: number): void {
    this.completed.inc();
    if (status < 100 || status > 599) return;
    this.#classes[Math.trunc(status / 100) - 1]!.inc();
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
