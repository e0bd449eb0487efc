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
