// envoy.filters.http.stateful_session: requests of one session go to the host that answered its first, however the load balancer would
// choose. The client carries the host's address.
import type { Any } from "@bufbuild/protobuf/wkt";
import {
  StatefulSessionPerRouteSchema,
  StatefulSessionSchema,
} from "#envoy/gen/envoy/extensions/filters/http/stateful_session/v3/stateful_session_pb";
import type { FilterResult, FilterStream, HttpFilter, HttpFilterCompiler } from "#proxy/http/filter";
import type { RequestHeaderMap, ResponseHeaderMap } from "#proxy/http/header-map";
import { addressText } from "#proxy/net/socket-address";
import { unpackConfig } from "#proxy/unpack-config";
import { compileSessionState } from "./session-state.ts";
import type { SessionState } from "./session-state.ts";

interface SessionConfig {
  /** undefined: there are no sessions. */
  readonly state: SessionState | undefined;
  readonly strict: boolean;
}

export const statefulSessionFilterCompiler: HttpFilterCompiler = {
  configTypes: [StatefulSessionSchema.typeName],
  routeConfigTypes: [StatefulSessionPerRouteSchema.typeName],
  compile(name, any, path) {
    let state: SessionState | undefined;
    const { strict } = unpackConfig(any, StatefulSessionSchema, path, ({ sessionState }, refuse) => {
      state = compileSessionState(sessionState, "session_state", refuse);
    });
    const own: SessionConfig = { state, strict };
    return {
      name,
      create(stream) {
        const config = (stream.filterConfigs()?.get(name) as SessionConfig | undefined) ?? own;
        return config.state === undefined ? undefined : new StatefulSessionFilter(stream, config.state, config.strict);
      },
    };
  },
  compileRouteConfig(any: Any, path: string): SessionConfig {
    let state: SessionState | undefined;
    const { override } = unpackConfig(any, StatefulSessionPerRouteSchema, path, (wire, refuse) => {
      if (wire.override.case === undefined) refuse("", "needs disabled or stateful_session");
      else if (wire.override.case === "statefulSession")
        state = compileSessionState(wire.override.value.sessionState, "stateful_session.session_state", refuse);
      else if (!wire.override.value) refuse("disabled", "must be true");
    });
    return { state, strict: override.case === "statefulSession" && override.value.strict };
  },
};

class StatefulSessionFilter implements HttpFilter {
  readonly #stream: FilterStream;
  readonly #state: SessionState;
  readonly #strict: boolean;
  #hasSession = false;
  /** The host that the client named. */
  #address: string | undefined;

  constructor(stream: FilterStream, state: SessionState, strict: boolean) {
    this.#stream = stream;
    this.#state = state;
    this.#strict = strict;
  }

  onRequestHeaders(headers: RequestHeaderMap): FilterResult {
    if (!this.#state.concerns(headers)) return undefined;
    this.#hasSession = true;
    this.#address = this.#state.read(headers, this.#nowSeconds);
    if (this.#address !== undefined) this.#stream.overrideHost = { address: this.#address, strict: this.#strict };
    return undefined;
  }

  onResponseHeaders(headers: ResponseHeaderMap): FilterResult {
    const host = this.#stream.info.upstreamHost;
    if (!this.#hasSession || host === undefined) return undefined;
    const address = addressText(host);
    if (address !== this.#address) this.#state.write(headers, address, this.#nowSeconds);
    return undefined;
  }

  get #nowSeconds(): number {
    return Math.trunc(this.#stream.clock.wallMs() / 1000);
  }
}
