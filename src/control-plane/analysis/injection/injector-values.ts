// What an injector is set up with: the Helm values in its ConfigMap.
import type { ObjectTable } from "#control-plane/analysis/object-table";
import type { Written } from "#control-plane/analysis/specs";

export const INJECTOR_CONFIG = "istio-sidecar-injector";

export interface InjectorValues {
  readonly sidecarInjectorWebhook: { readonly enableNamespacesByDefault: boolean };
  readonly global: { readonly hub: string; readonly tag: string | number; readonly proxy: { readonly image: string } };
}

/** The ConfigMap of the injector of a revision; "" and `default` have the plain name. */
export function injectorConfigName(revision: string): string {
  return revision === "" || revision === "default" ? INJECTOR_CONFIG : `${INJECTOR_CONFIG}-${revision}`;
}

export function injectorValues(objects: ObjectTable, revision: string): Written<InjectorValues> | undefined {
  const name = injectorConfigName(revision);
  const config = objects.list("ConfigMap").find(({ key }) => key.name === name);
  return config === undefined ? undefined : parseValues(config.spec.data?.["values"]);
}

/** undefined when there are none, or none that can be read. */
export function parseValues(text: unknown): Written<InjectorValues> | undefined {
  if (typeof text !== "string") return undefined;
  try {
    const values: unknown = JSON.parse(text);
    return typeof values === "object" && values !== null ? (values as Written<InjectorValues>) : undefined;
  } catch {
    // Not JSON: an injector would not start with it, and it says nothing here.
    return undefined;
  }
}
