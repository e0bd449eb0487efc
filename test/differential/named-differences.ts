// Where our proxy differs from Envoy on purpose, or where Envoy's behaviour is no one's to match: each with its reason. A difference that is
// not here fails the run.
import type { Failing } from "./shrink.ts";

interface NamedDifference {
  readonly because: string;
  /** All of them are of this kind. */
  matches(failing: Failing, differences: readonly string[]): boolean;
}

const NAMED: readonly NamedDifference[] = [
  {
    because: "a redirect that is not followed since no route takes it: Envoy has forgotten the name of the first route, we give it",
    matches: ({ pair }, differences) =>
      pair.request.headers.some(([name, value]) => name === "x-script" && /^30\d>/.test(value)) &&
      differences.some((difference) => /^header: only ours: x-[a-z-]+: ./.test(difference)) &&
      differences.every((difference) => /^header: only (ours: |Envoy: [a-z-]+: $)/.test(difference)),
  },
  {
    because: "the answer that opens a tunnel has no content-length (RFC 9110 9.3.6); Envoy writes 0 where the upstream ends it at once",
    matches: ({ pair }, differences) =>
      pair.request.method === "CONNECT" && differences.every((difference) => /^header: only Envoy: content-length: \d+$/.test(difference)),
  },
  {
    because: "a request that a limit of the buffer filter refuses has come in full: its connection stays; Envoy closes it",
    matches: ({ pair }, differences) =>
      JSON.stringify(pair.virtualHost).includes("max_request_bytes") &&
      pair.request.body !== "" &&
      differences.every((difference) => difference === "header: only Envoy: connection: close"),
  },
  {
    because: "a request that the buffer filter has counted keeps its trailers, in chunks; Envoy counts it for HTTP/1 and drops them",
    matches: ({ pair }, differences) =>
      JSON.stringify(pair.virtualHost).includes("max_request_bytes") &&
      pair.request.trailers !== undefined &&
      differences.every((difference) =>
        /: only (Envoy: content-length: \d+|ours: (trailer |transfer-encoding: chunked|content-encoding: ))/.test(difference),
      ),
  },
  {
    because: "upgrades are not mirrored: nobody would speak to the other end of the copy's connection",
    matches: ({ pair }, differences) =>
      JSON.stringify(pair.virtualHost).includes("request_mirror_policies") &&
      pair.request.headers.some(([name]) => name === "upgrade") &&
      differences.some((difference) => difference.startsWith("upstreams: Envoy's received")) &&
      differences.every((difference) => difference.startsWith("upstream")),
  },
  {
    because: "an answer to what is no request passes neither filters nor local_reply_config and gets no via",
    matches: ({ pair }, differences) =>
      (pair.request.path.toLowerCase().startsWith("http") ||
        differences.every((difference) => /^header: only Envoy: (x-manager|via|vary|x-request-id): /.test(difference))) &&
      differences.some((difference) => difference.startsWith("header: only Envoy: x-manager")),
  },
  {
    because: "a path that is refused has no route; Envoy finds one, by the path as it came, for those who claim a protocol",
    matches: ({ pair }, differences) =>
      /%00|%2f|%5c/i.test(pair.request.path) &&
      pair.request.headers.some(([name]) => name === "x-forwarded-proto") &&
      differences.some((difference) => difference.startsWith("header: only Envoy: x-route: ")) &&
      differences.every((difference) => difference.startsWith("header: ")),
  },
  {
    because: "a request that is redirected internally keeps its trailers; Envoy forgets them",
    matches: ({ pair }, differences) =>
      pair.request.trailers !== undefined &&
      pair.request.headers.some(([name, value]) => name === "x-script" && /^30\d>/.test(value)) &&
      differences.every((difference) => difference.includes("only ours: trailer ")),
  },
  {
    because: "a body over the buffer filter's limit is refused also where it comes in one piece; Envoy looks when it would have to keep it",
    matches: ({ pair }, differences) =>
      JSON.stringify(pair.virtualHost).includes("max_request_bytes") &&
      pair.request.body !== "" &&
      differences.some((difference) => difference.includes("Payload Too Large")),
  },
  {
    because:
      "a request of HTTP/2 with an absolute URL as path is reset with PROTOCOL_ERROR (RFC 9113 8.1.1); Envoy says CANCEL or INTERNAL_ERROR",
    matches: (_failing, differences) =>
      differences.every((difference) => /^broken: Envoy "RST_STREAM [28]", ours "RST_STREAM 1"$/.test(difference)),
  },
  {
    because: "a request of HTTP/2 without an authority is answered with 400; Envoy resets it",
    matches: ({ pair }, differences) => pair.request.host === "" && differences.includes('broken: Envoy "RST_STREAM 8", ours ""'),
  },
  {
    because: "formats of an answer of local_ratelimit know its response flag; Envoy sets it afterwards",
    matches: (_failing, differences) => differences.every((difference) => /: (-|RL|RateLimited)$/.test(difference)),
  },
  {
    because: "an answer that comes before a large body is read closes the connection; how much was read by then is a matter of buffers",
    matches: ({ pair }, differences) =>
      pair.request.body.length > 60_000 &&
      differences.every((difference) =>
        /^header: only (ours|Envoy): (connection: close|x-envoy-upstream-service-time: \*)$/.test(difference),
      ),
  },
  {
    because: "a head over a limit of HTTP/2 is reset with ENHANCE_YOUR_CALM; Envoy says INTERNAL_ERROR",
    matches: (_failing, differences) =>
      differences.every((difference) => difference === 'broken: Envoy "RST_STREAM 2", ours "RST_STREAM 11"'),
  },
  {
    because: "names of codings and headers are the same in any case: neither is said twice",
    matches: ({ around }, differences) =>
      around.coders.length > 0 &&
      differences.every((difference) => /(^header|, request \d+): only (ours|Envoy): (vary|accept-encoding): /.test(difference)) &&
      differences.some((difference) =>
        /only Envoy: (vary: .*accept-encoding.*,Accept-Encoding|accept-encoding: .*GZIP.*,gzip)/i.test(difference),
      ),
  },
  {
    because: "an answer without a body needs no end: a client of HTTP/1.0 that asks for its connection keeps it; Envoy closes it",
    matches: ({ pair }, differences) =>
      pair.request.http10 === true &&
      pair.request.headers.some(([name, value]) => name === "connection" && /keep-alive/i.test(value)) &&
      differences.every((difference) => /^header: only (Envoy: connection: close|ours: connection: keep-alive)$/.test(difference)),
  },
  {
    because: "what goes through a tunnel belongs to its two ends, and is not compressed",
    matches: ({ around, pair }, differences) =>
      around.coders.length > 0 &&
      (pair.request.method === "CONNECT" || pair.request.headers.some(([name]) => name === "upgrade")) &&
      differences.every((difference) =>
        /^(body: Envoy "|(header|upstream, request \d+): only Envoy: (vary|content-encoding): )/.test(difference),
      ),
  },
  {
    because: "a cookie that hash_policy makes is set once; Envoy sets it once for each try",
    matches: ({ pair }, differences) =>
      /retry_policy|x-envoy-retry-/.test(JSON.stringify(pair.virtualHost)) &&
      differences.every((difference) => difference.startsWith("header: only Envoy: set-cookie: sticky=*")),
  },
];

/** The reason, when a pair's differences are known. */
export function namedDifference(failing: Failing, differences: readonly string[]): string | undefined {
  return NAMED.find((named) => named.matches(failing, differences))?.because;
}
