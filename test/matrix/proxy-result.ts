// One proxy of one scenario through all columns.
import type { Call } from "./call.ts";
import { REFERENCE, type ColumnName } from "./columns.ts";
import { difference } from "./observation.ts";
import type { ProxyUnderTest } from "./proxy-under-test.ts";
import type { ColumnResult, TestBed } from "./test-bed.ts";

export interface CallDifference {
  readonly call: Call;
  readonly why: string;
}

export interface ComparedColumn {
  readonly column: ColumnName;
  /** The proxy did not come up, or refused a part of its configuration. */
  readonly refusals: readonly string[];
  /** Empty where the proxy did not come up at all. */
  readonly differences: readonly CallDifference[];
  readonly agreeing: number;
  /** The end of what the proxy wrote. */
  readonly output: string;
}

export interface ProxyResult {
  readonly name: string;
  readonly calls: readonly Call[];
  readonly reference: ColumnResult;
  readonly columns: readonly ComparedColumn[];
}

export function agrees({ refusals, differences }: ComparedColumn): boolean {
  return refusals.length === 0 && differences.length === 0;
}

export async function runProxy(bed: TestBed, name: string, test: ProxyUnderTest, columns: readonly ColumnName[]): Promise<ProxyResult> {
  const { calls, surroundings } = test;
  const run = (column: ColumnName): Promise<ColumnResult> =>
    bed.run({ kind: column.proxy, resources: test[column.origin] }, surroundings, calls);
  const reference = await run(REFERENCE);
  const compared: ComparedColumn[] = [];
  if (reference.failure !== undefined) return { name, calls, reference, columns: [] };
  for (const column of columns) {
    const first = compare(column, calls, reference, await run(column));
    // Between two Envoys a difference is rare, and chance can make one in thousands of calls: what is really different is so again.
    const again = column.proxy === "envoy" && first.differences.length > 0;
    compared.push(again ? confirmed(first, compare(column, calls, await run(REFERENCE), await run(column))) : first);
  }
  return { name, calls, reference, columns: compared };
}

function confirmed(first: ComparedColumn, second: ComparedColumn): ComparedColumn {
  const differences = first.differences.filter(({ call }) => second.differences.some((other) => other.call === call));
  return { ...first, differences, agreeing: first.agreeing + first.differences.length - differences.length };
}

function compare(column: ColumnName, calls: readonly Call[], reference: ColumnResult, got: ColumnResult): ComparedColumn {
  if (got.failure !== undefined) return { column, refusals: [got.failure], differences: [], agreeing: 0, output: "" };
  const differences = calls.flatMap((call, index) => {
    const why = difference(reference.observations[index] ?? new Map(), got.observations[index] ?? new Map());
    return why === undefined ? [] : [{ call, why }];
  });
  return { column, refusals: got.refusals, differences, agreeing: calls.length - differences.length, output: got.output };
}
