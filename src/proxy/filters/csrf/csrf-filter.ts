// envoy.filters.http.csrf: requests that change something must come from the site itself or from one that the policy names.
import type { Any } from "@bufbuild/protobuf/wkt";
import { CsrfPolicySchema } from "#envoy/gen/envoy/extensions/filters/http/csrf/v3/csrf_pb";
import { compileStringMatcher } from "#matcher/string-matcher";
import type { StringMatcher } from "#matcher/string-matcher";
import { parseAbsoluteUrl } from "#proxy/http/absolute-url";
import type { FilterResult, FilterStream, HttpFilter, HttpFilterCompiler, HttpFilterFactory, LocalReply } from "#proxy/http/filter";
import type { RequestHeaderMap } from "#proxy/http/header-map";
import { runtimeShare, shareNow } from "#proxy/runtime/runtime-fields";
import type { RuntimeShare } from "#proxy/runtime/runtime-fields";
import { unpackConfig } from "#proxy/unpack-config";
import type { Counter, StatsScope } from "#telemetry/stats/store";

interface CsrfPolicy {
  readonly enabled: RuntimeShare;
  readonly shadow: RuntimeShare;
  readonly additionalOrigins: readonly StringMatcher[];
}

class CsrfStats {
  readonly missingSourceOrigin: Counter;
  readonly requestInvalid: Counter;
  readonly requestValid: Counter;

  constructor(stats: StatsScope) {
    this.missingSourceOrigin = stats.counter("csrf", "missing_source_origin");
    this.requestInvalid = stats.counter("csrf", "request_invalid");
    this.requestValid = stats.counter("csrf", "request_valid");
  }
}

const REFUSED: LocalReply = { kind: "local-reply", status: 403, body: "Invalid origin", flag: undefined, details: "csrf_origin_mismatch" };

function compilePolicy(any: Any, path: string): CsrfPolicy {
  let additionalOrigins: StringMatcher[] = [];
  const wire = unpackConfig(any, CsrfPolicySchema, path, (policy, refuse) => {
    if (policy.filterEnabled?.defaultValue === undefined) refuse("filter_enabled.default_value", "must be set");
    additionalOrigins = policy.additionalOrigins.map((one, at) => compileStringMatcher(one, `additional_origins[${at}]`, refuse));
  });
  return {
    enabled: runtimeShare(wire.filterEnabled, 0),
    shadow: runtimeShare(wire.shadowEnabled, 0),
    additionalOrigins,
  };
}

export const csrfFilterCompiler: HttpFilterCompiler = {
  configTypes: [CsrfPolicySchema.typeName],
  compile: (name, any, path) => factory(name, compilePolicy(any, path), undefined),
  compileRouteConfig: compilePolicy,
};

function factory(name: string, own: CsrfPolicy, stats: CsrfStats | undefined): HttpFilterFactory {
  return {
    name,
    create: (stream) => new CsrfFilter(stream, (stream.filterConfigs()?.get(name) as CsrfPolicy | undefined) ?? own, stats),
    withStats: (scope) => factory(name, own, new CsrfStats(scope)),
  };
}

class CsrfFilter implements HttpFilter {
  readonly #stream: FilterStream;
  readonly #policy: CsrfPolicy;
  readonly #stats: CsrfStats | undefined;

  constructor(stream: FilterStream, policy: CsrfPolicy, stats: CsrfStats | undefined) {
    this.#stream = stream;
    this.#policy = policy;
    this.#stats = stats;
  }

  onRequestHeaders(headers: RequestHeaderMap): FilterResult {
    const policy = this.#policy;
    const enabled = this.#rolls(policy.enabled);
    if (!enabled && !this.#rolls(policy.shadow)) return undefined;
    const { method } = headers;
    if (method !== "POST" && method !== "PUT" && method !== "DELETE" && method !== "PATCH") return undefined;
    const source = sourceOrigin(headers);
    if (source === "") this.#stats?.missingSourceOrigin.inc();
    else if (this.#isValid(source, headers)) {
      this.#stats?.requestValid.inc();
      return undefined;
    } else this.#stats?.requestInvalid.inc();
    return enabled ? REFUSED : undefined;
  }

  #isValid(source: string, headers: RequestHeaderMap): boolean {
    return source === headers.authority || this.#policy.additionalOrigins.some((matcher) => matcher.matches(source));
  }

  #rolls(configured: RuntimeShare): boolean {
    const share = shareNow(configured, this.#stream.routeInput.runtime);
    return share >= 1 || (share > 0 && this.#stream.random.next() < share);
  }
}

/** Of the page that sends the request: Origin, or Referer where there is none; "": neither is there. */
function sourceOrigin(headers: RequestHeaderMap): string {
  const origin = headers.get("origin") ?? "";
  return hostAndPort(origin === "" ? (headers.get("referer") ?? "") : origin);
}

/** Text that is no URL stands for itself, as in Envoy; "null" is what browsers say of pages that have no site. */
function hostAndPort(text: string): string {
  return text === "null" ? "" : (parseAbsoluteUrl(text)?.hostAndPort ?? text);
}
