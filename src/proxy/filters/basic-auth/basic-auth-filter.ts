// envoy.filters.http.basic_auth: RFC 7617 credentials against a list of users, in htpasswd's {SHA} form.
import { hash, timingSafeEqual } from "node:crypto";
import type { Any } from "@bufbuild/protobuf/wkt";
import type { DataSource } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { BasicAuthPerRouteSchema, BasicAuthSchema } from "#envoy/gen/envoy/extensions/filters/http/basic_auth/v3/basic_auth_pb";
import { asciiLower, wireText } from "#matcher/wire-text";
import type { FilterResult, HttpFilter, HttpFilterCompiler, HttpFilterFactory, LocalReply } from "#proxy/http/filter";
import type { RequestHeaderMap } from "#proxy/http/header-map";
import { readDataSource } from "#proxy/transport-socket/data-source";
import { unpackConfig } from "#proxy/unpack-config";
import type { Counter } from "#telemetry/stats/store";

/** SHA-1 digests by user name, both as on the wire. */
type Users = ReadonlyMap<string, Buffer>;

interface BasicAuthStats {
  readonly allowed: Counter;
  readonly denied: Counter;
}

/** As much of the address as the realm names. */
const MAX_REALM = 256;

type Refuse = (field: string, message: string) => void;

function compileUsers(source: DataSource | undefined, refuse: Refuse): Users {
  const users = new Map<string, Buffer>();
  if (source === undefined) {
    refuse("users", "must be set");
    return users;
  }
  const text = readDataSource(source, "users", refuse) ?? "";
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.replace(/\r$/, "");
    if (line === "" || line.startsWith("#")) continue;
    const at = `users, line ${index + 1}`;
    const colon = line.indexOf(":");
    const name = line.slice(0, colon);
    const secret = line.slice(colon + 1);
    // The secret itself is never told.
    if (colon <= 0) refuse("users", `${at}: must be "user:{SHA}hash"`);
    else if (!/^\{SHA\}[A-Za-z0-9+/]{27}=$/.test(secret)) refuse("users", `${at}: only {SHA} and 28 characters of base64 are served`);
    else if (users.has(wireText(name))) refuse("users", `${at}: the user is there twice`);
    else users.set(wireText(name), Buffer.from(secret.slice(5), "base64"));
  }
  return users;
}

export const basicAuthFilterCompiler: HttpFilterCompiler = {
  configTypes: [BasicAuthSchema.typeName],
  routeConfigTypes: [BasicAuthPerRouteSchema.typeName],
  compile(name, any, path) {
    let users: Users = new Map();
    const wire = unpackConfig(any, BasicAuthSchema, path, (config, refuse) => (users = compileUsers(config.users, refuse)));
    return factory(name, users, asciiLower(wire.forwardUsernameHeader), undefined);
  },
  compileRouteConfig(any: Any, path: string): Users {
    let users: Users = new Map();
    unpackConfig(any, BasicAuthPerRouteSchema, path, (config, refuse) => (users = compileUsers(config.users, refuse)));
    return users;
  },
};

function factory(name: string, own: Users, forwardHeader: string, stats: BasicAuthStats | undefined): HttpFilterFactory {
  return {
    name,
    create(stream) {
      return new BasicAuthFilter((stream.filterConfigs()?.get(name) as Users | undefined) ?? own, forwardHeader, stats);
    },
    withStats: (scope) =>
      factory(name, own, forwardHeader, { allowed: scope.counter("basic_auth", "allowed"), denied: scope.counter("basic_auth", "denied") }),
  };
}

class BasicAuthFilter implements HttpFilter {
  readonly #users: Users;
  readonly #forwardHeader: string;
  readonly #stats: BasicAuthStats | undefined;

  constructor(users: Users, forwardHeader: string, stats: BasicAuthStats | undefined) {
    this.#users = users;
    this.#forwardHeader = forwardHeader;
    this.#stats = stats;
  }

  onRequestHeaders(headers: RequestHeaderMap): FilterResult {
    const credentials = headers.get("authorization");
    if (credentials === undefined)
      return this.#deny(headers, "User authentication failed. Missing username and password.", "no_credential_for_basic_auth");
    if (!credentials.startsWith("Basic "))
      return this.#deny(headers, "User authentication failed. Expected 'Basic' authentication scheme.", "invalid_scheme_for_basic_auth");
    const decoded = Buffer.from(credentials.slice(6), "base64").toString("latin1");
    const colon = decoded.indexOf(":");
    if (colon < 0)
      return this.#deny(headers, "User authentication failed. Invalid basic credential format.", "invalid_format_for_basic_auth");
    const name = decoded.slice(0, colon);
    if (!this.#knows(name, decoded.slice(colon + 1)))
      return this.#deny(headers, "User authentication failed. Invalid username/password combination.", "invalid_credential_for_basic_auth");
    if (this.#forwardHeader !== "") headers.set(this.#forwardHeader, name);
    this.#stats?.allowed.inc();
    return undefined;
  }

  #knows(name: string, password: string): boolean {
    const expected = this.#users.get(name);
    return expected !== undefined && timingSafeEqual(hash("sha1", Buffer.from(password, "latin1"), "buffer"), expected);
  }

  #deny(headers: RequestHeaderMap, body: string, details: string): LocalReply {
    this.#stats?.denied.inc();
    // Normalized, but as it was before any rewriting.
    const path = headers.get("x-envoy-original-path") ?? headers.path;
    // A CONNECT has no path, and what has none has no address: its realm is empty.
    const realm = headers.path === "" ? "" : `${headers.scheme}://${headers.authority}${path.slice(0, MAX_REALM)}`;
    return {
      kind: "local-reply",
      status: 401,
      body,
      flag: undefined,
      details,
      headers: [["www-authenticate", `Basic realm="${realm.replaceAll(/["\\]/g, "\\$&")}"`]],
    };
  }
}
