// local_reply_config: the proxy's own answers, changed by the first mapper whose filter takes them.
import type { LocalReplyConfig } from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import type { SubstitutionFormatString } from "#envoy/gen/envoy/config/core/v3/substitution_format_string_pb";
import { compileFormatString } from "#proxy/access-log/access-log-format";
import { compileAccessLogFilter } from "#proxy/access-log/access-log-filter";
import { Violations } from "#proxy/field-check";
import type { LocalReply } from "#proxy/http/filter";
import type { LocalReplyMap } from "#proxy/http/local-reply";
import type { StreamInfo } from "#proxy/http/stream-info";
import { readDataSource } from "#proxy/transport-socket/data-source";
import { compileHeaderMutation } from "./header-mutation.ts";

/** @throws ConfigError */
export function compileLocalReplyMap(wire: LocalReplyConfig | undefined, path: string): LocalReplyMap | undefined {
  if (wire === undefined) return undefined;
  const violations = new Violations();
  const bodyFormat = compileBodyFormat(wire.bodyFormat, `${path}.body_format`, violations);
  const mappers = wire.mappers.map((mapper, at) => {
    const field = `${path}.mappers[${at}]`;
    if (mapper.filter === undefined) violations.add(`${field}.filter`, "must be set");
    const { statusCode } = mapper;
    if (statusCode !== undefined && (statusCode < 200 || statusCode >= 600))
      violations.add(`${field}.status_code`, "must be from 200 to 599");
    const edits = {
      requestHeadersToAdd: [],
      requestHeadersToRemove: [],
      responseHeadersToAdd: mapper.headersToAdd,
      responseHeadersToRemove: [],
    };
    return {
      takes: compileAccessLogFilter(mapper.filter, `${field}.filter`, violations),
      statusCode,
      body: readDataSource(mapper.body, `${field}.body`, violations.add),
      format: compileBodyFormat(mapper.bodyFormatOverride, `${field}.body_format_override`, violations) ?? bodyFormat,
      headers: compileHeaderMutation(edits, field, violations.add),
    };
  });
  violations.throwIfAny("local replies");
  if (mappers.length === 0 && bodyFormat === undefined) return undefined;
  return (reply, info, headers, context) => {
    // Filters ask for the status that is about to be sent.
    info.responseCode = reply.status;
    const mapper = mappers.find(({ takes }) => takes(info, context));
    if (mapper === undefined) return bodyFormat?.(reply, info) ?? reply;
    // As Envoy: they still see the status that the mapper changes, its body the new one.
    mapper.headers?.applyToResponse(headers, info);
    const changed: LocalReply = { ...reply, status: mapper.statusCode ?? reply.status, body: mapper.body ?? reply.body };
    info.responseCode = changed.status;
    return mapper.format?.(changed, info) ?? changed;
  };
}

type BodyFormat = (reply: LocalReply, info: StreamInfo) => LocalReply;

function compileBodyFormat(wire: SubstitutionFormatString | undefined, path: string, violations: Violations): BodyFormat | undefined {
  if (wire === undefined) return undefined;
  if (wire.format.case === undefined) violations.add(path, "needs a format");
  const format = compileFormatString({ ...wire, contentType: "" }, path, violations);
  const contentType = wire.contentType !== "" ? wire.contentType : wire.format.case === "jsonFormat" ? "application/json" : "text/plain";
  return (reply, info) => {
    info.localReplyBody = reply.body;
    return { ...reply, body: format(info), contentType };
  };
}
