// What a health check sends, and looks for in an answer.
import type { HealthCheck_Payload } from "#envoy/gen/envoy/config/core/v3/health_check_pb";

/** `text` is written in hexadecimal. */
export function readPayload(
  wire: HealthCheck_Payload | undefined,
  path: string,
  refuse: (path: string, message: string) => void,
): Uint8Array {
  switch (wire?.payload.case) {
    case "text": {
      const text = wire.payload.value;
      if (text === "" || text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) refuse(`${path}.text`, `"${text}" is not hexadecimal`);
      return Buffer.from(text, "hex");
    }
    case "binary":
      return wire.payload.value;
    case undefined:
      if (wire !== undefined) refuse(path, "needs one of text, binary");
      return new Uint8Array();
  }
}

/** All parts stand in the bytes, one behind the other. */
export function holdsInOrder(bytes: Buffer, parts: readonly Uint8Array[]): boolean {
  let from = 0;
  for (const part of parts) {
    const at = bytes.indexOf(part, from);
    if (at === -1) return false;
    from = at + part.length;
  }
  return true;
}
