// One resource in its wire form.
import { toBinary, type DescMessage, type MessageShape } from "@bufbuild/protobuf";

/** The bytes are shared between proxies and must not be changed. */
export interface Resource {
  readonly name: string;
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

export function encode<Desc extends DescMessage>(
  typeUrl: string,
  schema: Desc,
  message: MessageShape<Desc> & { readonly name?: string },
  name?: string,
): Resource {
  return { name: name ?? message.name ?? "", typeUrl, value: toBinary(schema, message) };
}

/** The older one when both are the same bytes: its version need not be worked out again, and nobody sees a change. */
export function sameOr(before: Resource | undefined, after: Resource): Resource {
  return before !== undefined && before.name === after.name && equalBytes(before.value, after.value) ? before : after;
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}
