// `mizzen crds`: CustomResourceDefinitions of Istio's kinds, for `kubectl apply -f -`.
import { customResourceDefinitions } from "#api/custom-resource-definition";
import { gatewayApiKinds } from "#api/gateway-api/kinds";
import { CommandError } from "./command-error.ts";
import { yamlText } from "./yaml-text.ts";

export function crds(kinds: readonly string[]): void {
  const wanted = new Set(kinds.map((kind) => kind.toLowerCase()));
  const all = customResourceDefinitions().map((definition) => ({
    definition,
    names: definition["spec"] as { readonly names: { readonly kind: string; readonly plural: string } },
  }));
  const known = new Set(all.flatMap(({ names }) => [names.names.kind.toLowerCase(), names.names.plural]));
  for (const kind of wanted) {
    if (known.has(kind)) continue;
    // Theirs set defaults and hold rules that ours would lack: what an API server then stored would mean something else.
    if (gatewayApiKinds.some((one) => one.writtenAs.toLowerCase() === kind))
      throw new CommandError(`the Gateway API publishes the definition of ${kind} itself; install its release (standard-install.yaml)`, 2);
    throw new CommandError(`no kind ${kind}; there are ${all.map(({ names }) => names.names.kind).join(", ")}`, 2);
  }
  for (const { definition, names } of all) {
    const { kind, plural } = names.names;
    if (wanted.size > 0 && !wanted.has(kind.toLowerCase()) && !wanted.has(plural)) continue;
    process.stdout.write(`---\n${yamlText(definition, { aliasDuplicateObjects: false, lineWidth: 0 })}`);
  }
}
