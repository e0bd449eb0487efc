// local_reply_config: the proxy's own answers, changed by the first mapper whose filter takes them.
import type { LocalReplyConfig } from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import { compileAccessLogFilter } from "#proxy/access-log/access-log-filter";
import { Violations } from "#proxy/field-check";
import type { LocalReply } from "#proxy/http/filter";
import type { LocalReplyMap } from "#proxy/http/local-reply";
import { readDataSource } from "#proxy/transport-socket/data-source";
import { compileHeaderMutation } from "./header-mutation.ts";

/** @throws ConfigError */
export function compileLocalReplyMap(wire: LocalReplyConfig | undefined, path: string): LocalReplyMap | undefined {
  if (wire === undefined) return undefined;
  const violations = new Violations();
  if (wire.bodyFormat !== undefined) violations.add(`${path}.body_format`, "not served yet");
  const mappers = wire.mappers.map((mapper, at) => {
    const field = `${path}.mappers[${at}]`;
    if (mapper.filter === undefined) violations.add(`${field}.filter`, "must be set");
    if (mapper.bodyFormatOverride !== undefined) violations.add(`${field}.body_format_override`, "not served yet");
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
      headers: compileHeaderMutation(edits, field, violations.add),
    };
  });
  violations.throwIfAny("local replies");
  if (mappers.length === 0) return undefined;
  return (reply, info) => {
    // Filters ask for the status that is about to be sent.
    info.responseCode = reply.status;
    const mapper = mappers.find(({ takes }) => takes(info));
    if (mapper === undefined) return { reply, headers: undefined };
    const changed: LocalReply = { ...reply, status: mapper.statusCode ?? reply.status, body: mapper.body ?? reply.body };
    return { reply: changed, headers: mapper.headers };
  };
}
