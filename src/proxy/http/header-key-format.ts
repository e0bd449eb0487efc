// header_key_format: the case of header names is always kept, which is what the one formatter that is known asks for.
import type { Http1ProtocolOptions } from "#envoy/gen/envoy/config/core/v3/protocol_pb";
import { PreserveCaseFormatterConfigSchema } from "#envoy/gen/envoy/extensions/http/header_formatters/preserve_case/v3/preserve_case_pb";
import { nameOf } from "#envoy/any";

export function checkHeaderKeyFormat(
  wire: Http1ProtocolOptions | undefined,
  path: string,
  refuse: (path: string, message: string) => void,
): void {
  const format = wire?.headerKeyFormat?.headerFormat;
  if (format?.case !== "statefulFormatter") return;
  const type = nameOf(format.value.typedConfig?.typeUrl ?? "");
  if (type !== PreserveCaseFormatterConfigSchema.typeName)
    refuse(`${path}.header_key_format.stateful_formatter.typed_config`, `${type} is not served, only PreserveCaseFormatterConfig`);
}
