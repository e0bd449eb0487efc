// early_header_mutation_extensions: header edits before anything else looks at a request, each in its turn.
import type { TypedExtensionConfig } from "#envoy/gen/envoy/config/core/v3/extension_pb";
import { HeaderMutationSchema } from "#envoy/gen/envoy/extensions/http/early_header_mutation/header_mutation/v3/header_mutation_pb";
import { nameOf, unpack } from "#envoy/any";
import { Violations } from "#proxy/field-check";
import { compileMutationList } from "./header-mutation.ts";
import type { HeaderMutation } from "./route.ts";

/** @throws ConfigError */
export function compileEarlyMutation(extensions: readonly TypedExtensionConfig[], path: string): HeaderMutation | undefined {
  const violations = new Violations();
  const edits = extensions.flatMap(({ name, typedConfig }, at) => {
    const field = `${path}[${at}].typed_config`;
    const type = nameOf(typedConfig?.typeUrl ?? "");
    if (type !== HeaderMutationSchema.typeName) {
      violations.add(field, `"${name}" of type ${type} is not known to this proxy`);
      return [];
    }
    const mutations = unpack(typedConfig, HeaderMutationSchema)?.mutations ?? [];
    if (mutations.length === 0) violations.add(`${field}.mutations`, "must not be empty");
    return compileMutationList(mutations, `${field}.mutations`, violations.add) ?? [];
  });
  violations.throwIfAny("early header mutation");
  if (edits.length === 0) return undefined;
  return {
    applyToRequest: (headers, info) => {
      for (const edit of edits) edit(headers, info);
    },
    applyToResponse: () => {},
  };
}
