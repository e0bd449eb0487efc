// A filter's own configuration out of its Any, with what is wrong in it named. Fields that nobody acts on were refused before (field-check.ts).
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { nameOf, unpack } from "#envoy/any";
import { ConfigError } from "#proxy/config-error";
import { Violations } from "#proxy/field-check";

/** @throws ConfigError */
export function unpackConfig<Desc extends DescMessage>(
  any: Any,
  schema: Desc,
  path: string,
  check: (wire: MessageShape<Desc>, refuse: (field: string, message: string) => void) => void,
): MessageShape<Desc> {
  const violations = new Violations();
  let wire: MessageShape<Desc> | undefined;
  try {
    wire = unpack(any, schema);
    if (wire === undefined) violations.add(path, `holds ${nameOf(any.typeUrl)}, not ${schema.name}`);
    else {
      check(wire, (field, message) => violations.add(field === "" ? path : `${path}.${field}`, message));
    }
  } catch (error) {
    if (error instanceof ConfigError) violations.addFrom(error, path);
    else violations.add(path, `is not a valid ${schema.name}: ${String(error)}`);
  }
  violations.throwIfAny(schema.name);
  if (wire === undefined) throw new Error("unreachable: without a message there is a violation");
  return wire;
}
