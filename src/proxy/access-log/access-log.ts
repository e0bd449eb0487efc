// Access logs of a connection manager or listener: what they write is compiled with the listener, where they write to is opened by the
// thread that serves it. A line is written once, when its stream is over.
import type { AccessLog } from "#envoy/gen/envoy/config/accesslog/v3/accesslog_pb";
import { FileAccessLogSchema } from "#envoy/gen/envoy/extensions/access_loggers/file/v3/file_pb";
import type { FileAccessLog } from "#envoy/gen/envoy/extensions/access_loggers/file/v3/file_pb";
import { StderrAccessLogSchema, StdoutAccessLogSchema } from "#envoy/gen/envoy/extensions/access_loggers/stream/v3/stream_pb";
import { nameOf, unpack } from "#envoy/any";
import { Violations } from "#proxy/field-check";
import type { StreamInfo } from "#proxy/http/stream-info";
import type { ThreadContext } from "#proxy/thread-context";
import { compileAccessLogFilter } from "./access-log-filter.ts";
import type { StreamPredicate } from "./access-log-filter.ts";
import { compileFormatString, DEFAULT_TEXT_FORMAT, jsonFormat, textFormat } from "./access-log-format.ts";
import type { LineFormat } from "./access-log-format.ts";

export interface AccessLogger {
  /** Called once a stream, after its end. */
  log(info: StreamInfo): void;
}

/** What a log needs of its thread. */
export type AccessLogContext = Pick<ThreadContext, "accessLogs" | "runtime" | "random">;

export interface CompiledAccessLog {
  /** Lines carry their own end ("\n" stands in the format). */
  open(thread: AccessLogContext): AccessLogger;
}

interface CompiledEntry {
  readonly file: string;
  readonly line: LineFormat;
  readonly wanted: StreamPredicate;
}

/** @throws ConfigError with every violation, paths below `path` */
export function compileAccessLog(configs: readonly AccessLog[], path: string): CompiledAccessLog {
  const violations = new Violations();
  const entries = configs.map((config, index) => compileEntry(config, `${path}[${index}]`, violations));
  violations.throwIfAny("access log");
  return {
    open(thread) {
      const open = entries.map(({ file, line, wanted }) => ({ sink: thread.accessLogs.open(file), line, wanted }));
      return {
        log(info) {
          for (let i = 0; i < open.length; i++) {
            const { sink, line, wanted } = open[i] as (typeof open)[number];
            if (wanted(info, thread)) sink.write(line(info));
          }
        },
      };
    },
  };
}

function compileEntry(config: AccessLog, path: string, violations: Violations): CompiledEntry {
  const wanted = compileAccessLogFilter(config.filter, `${path}.filter`, violations);
  const at = `${path}.typed_config`;
  const any = config.configType.case === "typedConfig" ? config.configType.value : undefined;
  if (any === undefined) {
    violations.add(at, "is missing");
    return { file: "", line: () => "", wanted };
  }
  const file = unpack(any, FileAccessLogSchema);
  if (file !== undefined) {
    if (file.path === "") violations.add(`${at}.path`, "must not be empty");
    return { file: file.path, line: fileFormat(file, at, violations), wanted };
  }
  const stdout = unpack(any, StdoutAccessLogSchema);
  const stream = stdout ?? unpack(any, StderrAccessLogSchema);
  if (stream !== undefined) {
    const { accessLogFormat: format } = stream;
    const line =
      format.case === "logFormat"
        ? compileFormatString(format.value, `${at}.log_format`, violations)
        : textFormat(DEFAULT_TEXT_FORMAT, false, at, violations);
    return { file: stdout === undefined ? "/dev/stderr" : "/dev/stdout", line, wanted };
  }
  violations.add(at, `access logger "${config.name}" (${nameOf(any.typeUrl)}) is not served; file, stdout and stderr are`);
  return { file: "", line: () => "", wanted };
}

function fileFormat({ accessLogFormat: format }: FileAccessLog, path: string, violations: Violations): LineFormat {
  switch (format.case) {
    case "format":
      return textFormat(format.value === "" ? DEFAULT_TEXT_FORMAT : format.value, false, `${path}.format`, violations);
    case "jsonFormat":
      return jsonFormat(format.value, { omitEmpty: false, sort: false }, `${path}.json_format`, violations);
    case "typedJsonFormat":
      return jsonFormat(format.value, { omitEmpty: false, sort: false }, `${path}.typed_json_format`, violations);
    case "logFormat":
      return compileFormatString(format.value, `${path}.log_format`, violations);
    case undefined:
      return textFormat(DEFAULT_TEXT_FORMAT, false, path, violations);
    default:
      return format satisfies never;
  }
}
