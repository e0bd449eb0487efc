// ProxyConfig's limits of the connections that callers open.
import { bool, duration, enumeration, field, int32, later, message, type Decoded } from "#api/declaration";

export const connectionSettings = message("ConnectionSettings", {
  profile: field(enumeration(["SIDECAR", "EDGE"]), "Which defaults apply"),
  listenerPerConnectionBufferLimitBytes: field(int32, "Buffer of a caller's connection at most"),
  clusterPerConnectionBufferLimitBytes: field(int32, "Buffer of a connection to an endpoint at most"),
  httpIdleTimeout: field(duration, "Idle time after which a connection is closed"),
  httpMaxConnectionDuration: field(duration, "The longest life of a connection"),
  httpDrainTimeout: field(duration, "Time between the notice and the end of a connection"),
  httpRequestTimeout: field(duration, "Time to receive a request"),
  httpRequestHeadersTimeout: field(duration, "Time to receive the headers of a request"),
  httpStreamIdleTimeout: field(duration, "Idle time after which a request is ended"),
  httpMaxStreamDuration: field(duration, "The longest life of a request"),
  httpMaxConcurrentStreams: field(int32, "Requests of one connection at the same time at most"),
  http2InitialStreamWindowSize: field(int32, "The flow-control window of a stream"),
  http2InitialConnectionWindowSize: field(int32, "The flow-control window of a connection"),
  httpHeadersWithUnderscoresAction: field(
    enumeration([
      "HEADERS_WITH_UNDERSCORES_UNSPECIFIED",
      "HEADERS_WITH_UNDERSCORES_ALLOW",
      "HEADERS_WITH_UNDERSCORES_REJECT_REQUEST",
      "HEADERS_WITH_UNDERSCORES_DROP_HEADER",
    ]),
    "What happens to header names with an underscore",
  ),
  httpMergeSlashes: field(bool, "Whether slashes in a row become one"),
  httpPathWithEscapedSlashesAction: field(
    enumeration([
      "PATH_WITH_ESCAPED_SLASHES_UNSPECIFIED",
      "KEEP_UNCHANGED",
      "REJECT_REQUEST",
      "UNESCAPE_AND_REDIRECT",
      "UNESCAPE_AND_FORWARD",
    ]),
    "What happens to escaped slashes in a path",
  ),
  listenerConnectionLimit: later(int32, "Connections of one listener at most"),
  globalDownstreamConnectionLimit: later(int32, "Connections of the proxy at most"),
});
export type ConnectionSettings = Decoded<typeof connectionSettings>;
