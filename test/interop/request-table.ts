// The requests that both proxies get. `expect` is what Envoy answers with this configuration: two proxies that are wrong in the same
// way must not pass. Paths are relative to the service `echo` unless a host is named.
export interface RequestCase {
  readonly name: string;
  readonly path: string;
  readonly expect: number;
  readonly method?: string;
  /** Another host than echo's; with it the case counts only for the gateway or the sidecar (see `only`). */
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Which version of echo must have answered. */
  readonly version?: "v1" | "v2";
  readonly only?: "gateway" | "sidecar";
  /** The answer breaks off: both must fail in the same way. */
  readonly breaks?: boolean;
  /** What is behind ends the call at the same moment: tried again until it comes too late. */
  readonly races?: boolean;
  /** Bodies that differ from one call to the next. */
  readonly ignoreBody?: boolean;
}

const JASON = { "end-user": "jason" };
const GRPC = { "content-type": "application/grpc", te: "trailers" };
const ORIGIN = { origin: "https://good.example" };

export const CASES: readonly RequestCase[] = [
  // Matching
  { name: "the default rule", path: "/", expect: 200, version: "v1" },
  { name: "a query", path: "/any?x=1&y=%20", expect: 200, version: "v1" },
  { name: "end-user jason", path: "/", headers: JASON, expect: 200, version: "v2" },
  { name: "end-user Jason", path: "/", headers: { "end-user": "Jason" }, expect: 200, version: "v1" },
  { name: "an exact path", path: "/match/exact", expect: 200, version: "v2" },
  { name: "an exact path with a query", path: "/match/exact?a=b", expect: 200, version: "v2" },
  { name: "an exact path with more behind it", path: "/match/exact/", expect: 200, version: "v1" },
  { name: "a regular expression", path: "/match/abc/12", expect: 200, version: "v2" },
  { name: "a regular expression that must match the whole path", path: "/match/abc/1234", expect: 200, version: "v1" },
  { name: "a path in another case", path: "/MATCH/Case/x", expect: 200, version: "v2" },
  { name: "a method", path: "/match/method", method: "POST", body: "", expect: 200, version: "v2" },
  { name: "another method", path: "/match/method", method: "PUT", body: "x", expect: 200, version: "v1" },
  { name: "a header's prefix", path: "/match/header", headers: { "x-word": "abc" }, expect: 200, version: "v2" },
  { name: "a header's regular expression", path: "/match/header", headers: { "x-number": "42" }, expect: 200, version: "v2" },
  {
    name: "a header's regular expression that does not match",
    path: "/match/header",
    headers: { "x-number": "4 2" },
    expect: 200,
    version: "v1",
  },
  { name: "a header that is there", path: "/match/header", headers: { "x-there": "" }, expect: 200, version: "v2" },
  { name: "a query parameter", path: "/match/query?a=1&color=red", expect: 200, version: "v2" },
  { name: "another query parameter", path: "/match/query?color=redder", expect: 200, version: "v1" },
  { name: "without a header", path: "/match/without", expect: 200, version: "v2" },
  { name: "with the header that must not be", path: "/match/without", headers: { "x-word": "stop" }, expect: 200, version: "v1" },
  // Paths
  { name: "two dots", path: "/match/x/../exact", expect: 200, version: "v2" },
  { name: "encoded dots", path: "/match/x/%2e%2e/exact", expect: 200, version: "v2" },
  { name: "an encoded letter", path: "/match/e%78act", expect: 200, version: "v2" },
  { name: "an encoded slash", path: "/match%2Fexact", expect: 200, version: "v1" },
  { name: "two slashes", path: "/match//exact", expect: 200, version: "v1" },
  { name: "above the root", path: "/../../match/exact", expect: 200, version: "v2" },
  { name: "a backslash", path: "/match\\exact", expect: 200, version: "v2" },
  // Rewrites, redirects, direct answers
  { name: "a rewritten prefix", path: "/rewrite/prefix/a/b?c=d", expect: 200, version: "v1" },
  { name: "a rewritten path and authority", path: "/rewrite/exact?q=1", expect: 200, version: "v1" },
  { name: "a rewrite by regular expression", path: "/rewrite/regex/one/two/three?q=/x", expect: 200, version: "v1" },
  { name: "a redirect to another path", path: "/redirect/uri/a?b=c", expect: 301 },
  { name: "a redirect to another host", path: "/redirect/authority/a?b=c", expect: 302 },
  { name: "a redirect to another scheme and port", path: "/redirect/scheme/a?b=c", method: "POST", body: "x", expect: 307 },
  { name: "a direct answer", path: "/direct/text", expect: 418 },
  { name: "a direct answer to HEAD", path: "/direct/text", method: "HEAD", expect: 418 },
  { name: "a direct answer to POST", path: "/direct/text", method: "POST", body: "x".repeat(1000), expect: 418 },
  { name: "an empty direct answer", path: "/direct/empty", expect: 204 },
  // Faults, timeouts, retries
  { name: "an injected abort", path: "/fault/abort", expect: 555 },
  { name: "an injected abort of a HEAD", path: "/fault/abort", method: "HEAD", expect: 555 },
  { name: "an injected abort of a POST", path: "/fault/abort", method: "POST", body: "x".repeat(100_000), expect: 555 },
  { name: "an abort of 0 %", path: "/fault/never", expect: 200, version: "v1" },
  { name: "an injected delay", path: "/fault/delay", expect: 200, version: "v1" },
  { name: "an injected delay of a POST", path: "/fault/delay", method: "POST", body: "waits", expect: 200, version: "v1" },
  { name: "a delay, then an abort", path: "/fault/both", expect: 429 },
  { name: "a timeout", path: "/timeout/slow/2000", expect: 504 },
  { name: "no timeout", path: "/timeout/slow/1", expect: 200, version: "v1" },
  { name: "a retry that helps", path: "/retry/flaky/2", expect: 200, version: "v1" },
  { name: "a retry with a body", path: "/retry/flaky/2", method: "POST", body: "again and again", expect: 200, version: "v1" },
  { name: "retries that do not help", path: "/retry/flaky/9", expect: 503, version: "v1" },
  { name: "a retry of a status", path: "/retry-status/status/409", expect: 409, version: "v1" },
  { name: "the default retries leave a 503 of the application alone", path: "/flaky/1", expect: 503, version: "v1" },
  { name: "no retries", path: "/no-retry/flaky/1", expect: 503, version: "v1" },
  { name: "tries that take too long", path: "/per-try/slow/2000", expect: 504 },
  // Headers
  {
    name: "edited headers",
    path: "/headers",
    headers: { "x-gone": "1", "x-set": "client", "x-added": "client" },
    expect: 200,
    version: "v1",
  },
  { name: "a host header that is set", path: "/host-header", expect: 200, version: "v1" },
  {
    name: "headers of the proxy itself from outside",
    path: "/",
    headers: { "x-envoy-attempt-count": "7", "x-envoy-internal": "true", "x-forwarded-proto": "https" },
    expect: 200,
    version: "v1",
  },
  { name: "a forwarded-for header", path: "/", headers: { "x-forwarded-for": "203.0.113.7" }, expect: 200, version: "v1" },
  {
    name: "a request id of the client",
    path: "/",
    headers: { "x-request-id": "6f1c9f2e-0000-4000-8000-000000000001" },
    expect: 200,
    version: "v1",
  },
  {
    name: "hop-by-hop headers",
    path: "/",
    headers: { connection: "close, x-hop", "x-hop": "1", te: "trailers", "keep-alive": "timeout=5", "proxy-connection": "keep-alive" },
    expect: 200,
    version: "v1",
  },
  {
    name: "a timeout that the caller wants (no address is internal)",
    path: "/slow/1000",
    headers: { "x-envoy-upstream-rq-timeout-ms": "100" },
    expect: 200,
    version: "v1",
  },
  {
    name: "retries that the caller wants",
    path: "/flaky/1",
    headers: { "x-envoy-retry-on": "5xx", "x-envoy-max-retries": "2" },
    expect: 503,
    version: "v1",
  },
  { name: "a gRPC call without endpoints", path: "/subset/nobody", method: "POST", headers: GRPC, body: "", expect: 200 },
  { name: "a gRPC call that is aborted", path: "/fault/abort", method: "POST", headers: GRPC, body: "", expect: 200 },
  {
    name: "a gRPC call that takes too long",
    path: "/timeout/slow/2000",
    method: "POST",
    headers: GRPC,
    body: "",
    expect: 200,
    races: true,
  },
  {
    name: "a gRPC call without a route",
    host: "bookinfo.example",
    path: "/x.Y/Z",
    method: "POST",
    headers: GRPC,
    body: "",
    expect: 200,
    only: "gateway",
  },
  // Cross-origin
  { name: "a preflight", path: "/cors", method: "OPTIONS", headers: { ...ORIGIN, "access-control-request-method": "PUT" }, expect: 200 },
  {
    name: "a preflight from elsewhere",
    path: "/cors",
    method: "OPTIONS",
    headers: { origin: "https://bad.example", "access-control-request-method": "PUT" },
    expect: 200,
  },
  { name: "a cross-origin request", path: "/cors", headers: ORIGIN, expect: 200, version: "v1" },
  // Destinations
  { name: "weights 0 and 100", path: "/weights", expect: 200, version: "v2" },
  { name: "a subset without endpoints", path: "/subset/nobody", expect: 503 },
  { name: "a subset that is not defined", path: "/subset/undefined", expect: 503 },
  { name: "a destination that nobody knows", path: "/unknown-host", expect: 503 },
  // Methods, bodies, statuses
  { name: "HEAD", path: "/", method: "HEAD", expect: 200 },
  { name: "OPTIONS", path: "/", method: "OPTIONS", expect: 200, version: "v1" },
  { name: "DELETE", path: "/", method: "DELETE", expect: 200, version: "v1" },
  { name: "PATCH with a body", path: "/", method: "PATCH", body: "patch", expect: 200, version: "v1" },
  { name: "POST with a body", path: "/", method: "POST", body: "hello", expect: 200, version: "v1" },
  { name: "POST with a large body", path: "/", method: "POST", body: "0123456789".repeat(50_000), expect: 200, version: "v1" },
  {
    name: "POST in chunks",
    path: "/",
    method: "POST",
    headers: { "transfer-encoding": "chunked" },
    body: "in chunks",
    expect: 200,
    version: "v1",
  },
  { name: "GET with a body", path: "/", body: "a body all the same", expect: 200, version: "v1" },
  {
    name: "Expect: 100-continue",
    path: "/",
    method: "POST",
    headers: { expect: "100-continue" },
    body: "after 100",
    expect: 200,
    version: "v1",
  },
  { name: "a large answer", path: "/bytes/1000000", expect: 200 },
  { name: "an answer with trailers", path: "/trailers", expect: 200 },
  { name: "early hints", path: "/early-hints", expect: 200, version: "v1" },
  { name: "404 of the application", path: "/status/404", expect: 404, version: "v1" },
  { name: "500 of the application", path: "/status/500", expect: 500, version: "v1" },
  { name: "204", path: "/empty/204", expect: 204 },
  { name: "304", path: "/empty/304", expect: 304 },
  { name: "an application that closes instead of answering", path: "/reset", method: "POST", body: "x", expect: 503 },
  { name: "an answer that breaks off", path: "/half", expect: 200, breaks: true },
  // Other services and hosts
  { name: "the product page", host: "bookinfo.example", path: "/api/v1/products", expect: 200, only: "gateway" },
  { name: "a path that no rule has", host: "bookinfo.example", path: "/nothing/here", expect: 404, only: "gateway" },
  { name: "a path that no rule has, HEAD", host: "bookinfo.example", path: "/nothing/here", method: "HEAD", expect: 404, only: "gateway" },
  {
    name: "a host with a port",
    host: "echo.default.svc.cluster.local:1234",
    path: "/match/exact",
    expect: 200,
    version: "v2",
    only: "gateway",
  },
  { name: "a host in capitals", host: "ECHO.default.svc.cluster.local", path: "/match/exact", expect: 200, version: "v2", only: "gateway" },
  { name: "details", host: "details:9080", path: "/details/0", expect: 200, only: "sidecar" },
  { name: "a full name", host: "details.default.svc.cluster.local:9080", path: "/details/0", expect: 200, only: "sidecar" },
  { name: "ratings of no number", host: "ratings:9080", path: "/ratings/x", expect: 400, only: "sidecar" },
  { name: "a service without a port", host: "details", path: "/details/0", expect: 200, only: "sidecar" },
  { name: "a port that a service does not have", host: "details:9081", path: "/details/0", expect: 503, only: "sidecar" },
  { name: "a host that nobody knows", host: "nobody.example", path: "/", expect: 503, only: "sidecar" },
];
