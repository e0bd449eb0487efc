// Compressor and CompressorPerRoute -> frozen configs.
import type { Any } from "@bufbuild/protobuf/wkt";
import { CompressorPerRouteSchema, CompressorSchema } from "#envoy/gen/envoy/extensions/filters/http/compressor/v3/compressor_pb";
import type {
  Compressor,
  Compressor_CommonDirectionConfig as CommonConfig,
} from "#envoy/gen/envoy/extensions/filters/http/compressor/v3/compressor_pb";
import type { CoderFactory } from "#proxy/compression/coder";
import { compileCompressorLibrary } from "#proxy/compression/compressor-library";
import { runtimeFlag } from "#proxy/runtime/runtime-fields";
import type { RuntimeFlag } from "#proxy/runtime/runtime-fields";
import { unpackConfig } from "#proxy/unpack-config";

export interface CompressorConfig {
  readonly libraryName: string;
  readonly library: CoderFactory;
  readonly request: DirectionConfig;
  readonly response: DirectionConfig;
  /** Statistics of responses stand apart where the config has a response_direction_config. */
  readonly responseIsNamed: boolean;
  readonly disableOnEtag: boolean;
  readonly removeAcceptEncoding: boolean;
  readonly chooseFirst: boolean;
}

export interface DirectionConfig {
  readonly enabled: RuntimeFlag;
  readonly minLength: number;
  /** Lower case. */
  readonly contentTypes: ReadonlySet<string>;
}

export interface CompressorRouteConfig {
  /** undefined: as the filter says, for both. */
  readonly enabled: boolean | undefined;
  readonly removeAcceptEncoding: boolean | undefined;
}

const OFF: RuntimeFlag = { key: "", otherwise: false };
const DEFAULT_MIN_LENGTH = 30;
const DEFAULT_CONTENT_TYPES = [
  "text/html",
  "text/plain",
  "text/css",
  "application/javascript",
  "application/x-javascript",
  "text/javascript",
  "text/x-javascript",
  "text/ecmascript",
  "text/js",
  "text/jscript",
  "text/x-js",
  "application/ecmascript",
  "application/x-json",
  "application/xml",
  "application/json",
  "image/svg+xml",
  "text/xml",
  "application/xhtml+xml",
  "application/grpc-web",
  "application/grpc-web+proto",
];

/** @throws ConfigError naming every field that is wrong or not served */
export function compileCompressor(any: Any, path: string): CompressorConfig {
  let config: CompressorConfig | undefined;
  unpackConfig(any, CompressorSchema, path, (wire, refuse) => {
    const library = compileCompressorLibrary(wire.compressorLibrary, "compressor_library", refuse);
    if (library !== undefined) config = compileMessage(wire, library);
  });
  return Object.freeze(config as CompressorConfig);
}

function compileMessage(wire: Compressor, library: CoderFactory): CompressorConfig {
  const { requestDirectionConfig: request, responseDirectionConfig: response } = wire;
  return {
    libraryName: wire.compressorLibrary?.name ?? "",
    library,
    request: direction(request?.commonConfig, request !== undefined),
    // The deprecated fields stand for a response_direction_config that is not there.
    response:
      response === undefined
        ? {
            enabled: runtimeFlag(wire.runtimeEnabled, true),
            minLength: wire.contentLength || DEFAULT_MIN_LENGTH,
            contentTypes: contentTypes(wire.contentType),
          }
        : direction(response.commonConfig, true),
    responseIsNamed: response !== undefined,
    disableOnEtag: response?.disableOnEtagHeader ?? wire.disableOnEtagHeader,
    removeAcceptEncoding: response?.removeAcceptEncodingHeader ?? wire.removeAcceptEncodingHeader,
    chooseFirst: wire.chooseFirst,
  };
}

function direction(common: CommonConfig | undefined, isThere: boolean): DirectionConfig {
  return {
    enabled: isThere ? runtimeFlag(common?.enabled, true) : OFF,
    minLength: common?.minContentLength || DEFAULT_MIN_LENGTH,
    contentTypes: contentTypes(common?.contentType ?? []),
  };
}

function contentTypes(list: readonly string[]): ReadonlySet<string> {
  return new Set(list.length === 0 ? DEFAULT_CONTENT_TYPES : list.map((type) => type.toLowerCase()));
}

/** @throws ConfigError */
export function compileCompressorRoute(any: Any, path: string): CompressorRouteConfig {
  const { override } = unpackConfig(any, CompressorPerRouteSchema, path, (wire, refuse) => {
    if (wire.override.case === undefined) refuse("", "needs disabled or overrides");
    else if (wire.override.case === "disabled" && !wire.override.value) refuse("disabled", "must be true");
  });
  if (override.case !== "overrides") return { enabled: false, removeAcceptEncoding: undefined };
  const response = override.value.responseDirectionConfig;
  return { enabled: response === undefined ? undefined : true, removeAcceptEncoding: response?.removeAcceptEncodingHeader };
}
