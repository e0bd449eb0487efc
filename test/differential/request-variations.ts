// What clients do beside asking for a route: odd paths and hosts, headers that are about the connection or that proxies believe or do not,
// long ones, many, some twice, bodies in chunks with trailers.
import type { Choices } from "./choices.ts";
import type { Draft } from "./pair.ts";

const PATH_ENDS = ["/%2e%2e/x", "//x", "/./x", "/../x", "/%2Fx", "/a%zz", "/%c3%a9", "/\\x", ";p=1", "%20", "/x%5Cy", "/~", "/%7e", "/%00"];
const QUERIES = ["q=1", "q=%20&x", "", "a?b", "x=%zz", "&&", "k=\\", `long=${"l".repeat(3000)}`, "u=%c3%a9+1"];
const METHODS = ["HEAD", "OPTIONS", "PATCH", "TRACE", "PURGE", "DELETE"];

/** Of proxies in front, and of those who would like to be taken for one. */
const CLAIMS: readonly (readonly [string, string])[] = [
  ["x-forwarded-for", "10.0.0.1"],
  ["x-forwarded-for", "10.0.0.1, 192.168.1.1"],
  ["x-forwarded-proto", "https"],
  ["x-forwarded-proto", "ftp"],
  ["x-forwarded-host", "claimed.example"],
  ["x-forwarded-port", "444"],
  ["x-forwarded-client-cert", "By=spiffe://a;Hash=00"],
  ["x-request-id", "of-the-client"],
  ["x-envoy-internal", "true"],
  ["x-envoy-external-address", "10.9.9.9"],
  ["x-envoy-retry-on", "5xx"],
  ["x-envoy-max-retries", "3"],
  ["x-envoy-upstream-rq-timeout-ms", "100"],
  ["x-envoy-expected-rq-timeout-ms", "100"],
  ["x-envoy-original-path", "/claimed"],
  ["x-envoy-attempt-count", "7"],
  ["x-envoy-decorator-operation", "claimed"],
  ["x-envoy-downstream-service-cluster", "claimed"],
  ["x-envoy-overloaded", "true"],
  ["via", "1.1 before"],
  ["forwarded", "for=10.0.0.1"],
  ["x-real-ip", "10.0.0.7"],
  ["x-real-ip", "10.0.0.7:99"],
  ["x-real-ip", "nobody"],
];
/** Of one connection: they must not go on. */
const HOP_BY_HOP: readonly (readonly [string, string])[] = [
  ["connection", "close"],
  ["connection", "x-a"],
  ["connection", "keep-alive, x-b"],
  ["keep-alive", "timeout=5"],
  ["proxy-connection", "keep-alive"],
  ["te", "trailers"],
  ["te", "trailers, deflate"],
  ["proxy-authorization", "Basic eA=="],
];
const PLAIN: readonly (readonly [string, string])[] = [
  ["x-empty", ""],
  ["x-latin", "caf\xe9"],
  ["x-punctuation", "!#$%&'*+-.^_`|~\"(),/:;<=>?@[\\]{}"],
  ["x-spaces", "a  b\tc"],
  ["x_underscore", "1"],
  ["x-long", "v".repeat(20_000)],
  ["x-a", "again"],
  ["x-color", "red"],
  ["cookie", "second=2"],
  ["accept-encoding", "gzip"],
  ["range", "bytes=0-4"],
];

const ANSWERS = ["204", "304", "404", "500", "302>/elsewhere", "chunked", "trailers", "grpc0", "grpc14", "cut", "empty"];

export function varyRequest(draft: Draft, choices: Choices, tunnel: boolean): void {
  const add = ([name, value]: readonly [string, string]): void => void draft.more.push([name, value]);
  if (choices.chance(0.12)) add(choices.pick(CLAIMS));
  if (choices.chance(0.05)) add(choices.pick(CLAIMS));
  if (choices.chance(0.15)) add(choices.pick(PLAIN));
  if (choices.chance(0.02)) for (let i = 0; i < 60; i++) add([`x-many-${i}`, String(i)]);
  if (choices.chance(0.08)) draft.hostPrefix = choices.pick(["www.", "WWW.", "a.b.", ""]);
  if (choices.chance(0.08)) draft.hostSuffix = choices.pick([":80", ":8080", ":443", ".", ".:80"]);
  if (tunnel) return;
  if (draft.script.join() === "200" && choices.chance(0.25)) draft.script = [choices.pick(ANSWERS)];
  if (!draft.headers.has("upgrade") && choices.chance(0.08)) add(choices.pick(HOP_BY_HOP));
  if (choices.chance(0.08)) draft.path += choices.pick(PATH_ENDS);
  if (draft.query.length === 0 && choices.chance(0.2)) draft.query.push(choices.pick(QUERIES));
  if (draft.method === "GET" && !draft.headers.has("upgrade") && choices.chance(0.06)) draft.method = choices.pick(METHODS);
  if (choices.chance(0.02))
    draft.path = `${choices.pick(["http", "https", "HTTP"])}://${choices.pick(["OWN", "other.example"])}${draft.path}`;
  if (!draft.headers.has("upgrade") && choices.chance(0.06)) {
    draft.http10 = true;
    if (choices.chance(0.3) && !draft.more.some(([name]) => name === "connection")) add(["connection", "keep-alive"]);
  }
  if (draft.body === "") return;
  // HTTP/1.0 has no chunks.
  if (!draft.http10 && choices.chance(0.3)) draft.chunked = true;
  if (draft.chunked && choices.chance(0.5)) draft.trailers.push(["x-trailer", "of-request"], ["x-other", "2"]);
  // Nor does it wait (RFC 9110 10.1.1), though Envoy tells such clients, too, to continue.
  if (!draft.http10 && choices.chance(0.35)) {
    draft.headers.set("expect", choices.pick(["100-continue", "100-continue", "100-Continue", "something"]));
    if (draft.headers.get("expect") !== "something" && choices.chance(0.6)) draft.waits = true;
  }
}
