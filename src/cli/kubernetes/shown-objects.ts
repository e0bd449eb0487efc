// What `get` is asked to show, and how.
import { apiVersionOf, type Resource } from "./discovery.ts";
import type { TableOptions } from "./server-table.ts";
import type { TargetOptions } from "./target.ts";

export interface GetOptions extends TargetOptions {
  readonly filename?: readonly string[];
  readonly recursive?: boolean;
  readonly output?: string;
  readonly selector?: string;
  readonly fieldSelector?: string;
  readonly allNamespaces?: boolean;
  readonly watch?: boolean;
  readonly watchOnly?: boolean;
  readonly outputWatchEvents?: boolean;
  readonly showLabels?: boolean;
  readonly labelColumns?: readonly string[];
  readonly headers?: boolean;
  readonly showKind?: boolean;
  readonly showManagedFields?: boolean;
  readonly sortBy?: string;
  readonly ignoreNotFound?: boolean;
}

/** Objects of one resource: those named, or all that are selected. */
export interface Wanted {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly names: readonly string[];
}

export function tableOptions(options: GetOptions, resource: Resource, isOneKind: boolean): TableOptions {
  return {
    isWide: options.output === "wide",
    headers: options.headers !== false,
    withNamespace: options.allNamespaces === true && resource.isNamespaced,
    kindOf: isOneKind && options.showKind !== true ? undefined : { apiVersion: apiVersionOf(resource), kind: resource.kind },
    showLabels: options.showLabels === true,
    labelColumns: (options.labelColumns ?? []).flatMap((label) => label.split(",")),
  };
}
