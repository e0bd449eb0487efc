// exportTo: `*` everybody, `.` the object's own namespace, `~` nobody, else names of namespaces.

export type Visibility =
  | { readonly kind: "public" }
  | { readonly kind: "none" }
  | { readonly kind: "namespaces"; readonly namespaces: ReadonlySet<string> };

const PUBLIC: Visibility = { kind: "public" };
const NONE: Visibility = { kind: "none" };

/** `defaults` come from MeshConfig and stand in where nothing is written. */
export function visibilityOf(
  exportTo: readonly string[] | undefined,
  namespace: string,
  defaults: readonly string[] | undefined,
): Visibility {
  const written = exportTo !== undefined && exportTo.length > 0 ? exportTo : (defaults ?? []);
  if (written.length === 0 || written.includes("*")) return PUBLIC;
  if (written.includes("~")) return NONE;
  return { kind: "namespaces", namespaces: new Set(written.map((entry) => (entry === "." ? namespace : entry))) };
}

export function isVisible(visibility: Visibility, from: string): boolean {
  return visibility.kind === "public" || (visibility.kind === "namespaces" && visibility.namespaces.has(from));
}
