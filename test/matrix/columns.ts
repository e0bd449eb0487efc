// The matrix: who made the configuration, and which proxy runs it.
import type { ProxyKind } from "../replay/proxy-process.ts";

export type Origin = "recorded" | "generated";

export interface ColumnName {
  readonly text: string;
  readonly origin: Origin;
  readonly proxy: ProxyKind;
}

const column = (origin: Origin, proxy: ProxyKind): ColumnName => ({ text: `${origin}/${proxy}`, origin, proxy });

/** What all others are compared with: a real istiod's configuration on real Envoy. */
export const REFERENCE = column("recorded", "envoy");
const OTHERS = [column("generated", "envoy"), column("recorded", "mizzen"), column("generated", "mizzen")];

/** Of a comma-separated list. @throws Error naming what there is */
export function parseColumns(list: string | undefined): readonly ColumnName[] {
  if (list === undefined) return OTHERS;
  return list.split(",").map((wanted) => {
    const found = OTHERS.find(({ text }) => text === wanted);
    if (found === undefined) throw new Error(`no column "${wanted}"; there are ${OTHERS.map(({ text }) => text).join(", ")}`);
    return found;
  });
}
