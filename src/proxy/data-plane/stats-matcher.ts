// stats_config.stats_matcher: which statistics are there for whoever looks. They are counted all the same: parts of the proxy read them.
import type { StatsMatcher } from "#envoy/gen/envoy/config/metrics/v3/stats_pb";
import { compileStringMatcher } from "#matcher/string-matcher";
import type { ReportViolation } from "#matcher/string-matcher";

/** Undefined: all are. */
export function compileStatsMatcher(
  matcher: StatsMatcher | undefined,
  path: string,
  report: ReportViolation,
): ((name: string) => boolean) | undefined {
  const { statsMatcher } = matcher ?? {};
  switch (statsMatcher?.case) {
    case undefined:
      return undefined;
    case "rejectAll":
      return statsMatcher.value ? () => false : undefined;
    case "exclusionList":
    case "inclusionList": {
      const field = statsMatcher.case === "inclusionList" ? "inclusion_list" : "exclusion_list";
      const patterns = statsMatcher.value.patterns.map((pattern, index) =>
        compileStringMatcher(pattern, `${path}.${field}.patterns[${index}]`, report),
      );
      const wanted = statsMatcher.case === "inclusionList";
      return (name) => patterns.some((pattern) => pattern.matches(name)) === wanted;
    }
  }
}
