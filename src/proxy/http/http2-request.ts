// From the head of an HTTP/2 request to what the rest of the proxy sees: one Host, one Cookie, and an upgrade as HTTP/1 would ask for it.
import type { MessageHead } from "#proxy/codec/http2/message-head";
import type { Random } from "#runtime/random";
import { PairRequestHeaderMap } from "./pair-header-map.ts";

/** What may stand in a Host field; the codec has looked at :authority, not at this. */
const HOST = /^[A-Za-z0-9\-._~%!$&'()*+;=:[\]]+$/;

/** The head's fields become the map's. */
export function http2RequestHeaders(head: MessageHead, random: Random): PairRequestHeaderMap {
  const headers = requestHeaders(head, random);
  headers.neverIndexed = head.neverIndexed;
  return headers;
}

function requestHeaders(head: MessageHead, random: Random): PairRequestHeaderMap {
  mergeFields(head);
  if (head.method !== "CONNECT" || head.protocol === undefined) return new PairRequestHeaderMap(head, undefined, head.fields);
  // RFC 8441: an extended CONNECT is an upgrade. As in Envoy it looks like one of HTTP/1 to filters, routes and HTTP/1 upstreams.
  const { fields, authority, scheme, path } = head;
  const upgrade = head.protocol.toLowerCase();
  fields.push("connection", "upgrade", "upgrade", head.protocol);
  const headers = new PairRequestHeaderMap({ method: "GET", authority, scheme, path, upgrade }, undefined, fields);
  // Clients of RFC 8441 need no key, servers of RFC 6455 insist on one.
  if (upgrade === "websocket" && !headers.has("sec-websocket-key")) headers.set("sec-websocket-key", webSocketKey(random));
  return headers;
}

/** Takes Host out (RFC 9113 8.3.1: it stands in for a missing :authority), and joins the crumbs of Cookie (8.2.3). */
function mergeFields(head: MessageHead): void {
  const { fields } = head;
  let cookieAt = -1;
  let to = 0;
  for (let from = 0; from < fields.length; from += 2) {
    const name = fields[from]!;
    const value = fields[from + 1]!;
    if (name === "host") {
      if (head.authority === "" && HOST.test(value)) head.authority = value;
      continue;
    }
    if (name === "cookie") {
      if (cookieAt !== -1) {
        fields[cookieAt + 1] = `${fields[cookieAt + 1]}; ${value}`;
        continue;
      }
      cookieAt = to;
    }
    if (to !== from) {
      fields[to] = name;
      fields[to + 1] = value;
    }
    to += 2;
  }
  fields.length = to;
}

function webSocketKey(random: Random): string {
  const bytes = Buffer.alloc(16);
  for (let i = 0; i < bytes.length; i++) bytes[i] = random.integer(256);
  return bytes.toString("base64");
}
