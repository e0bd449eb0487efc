// The state-of-the-world protocol: a client repeats all names that it wants; it is told all listeners and all clusters at every
// change of one (what is missing is gone), and of the other types those that changed. Translates to and from the differences
// that a session deals in, and so gives these clients the same order of a change as the delta ones.
import type { DiscoveryRequest } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import type { Resource } from "#control-plane/generate/resource";
import { CLUSTER_TYPE, LISTENER_TYPE } from "#envoy/type-urls";
import type { ResourceRequest, ResourceResponse } from "./discovery-session.ts";
import { sotwResponse } from "./encoded-response.ts";

/** xDS protocol, "Deleting Resources": only for these types does absence mean removal. */
const WHOLE_TYPES: ReadonlySet<string> = new Set([CLUSTER_TYPE, LISTENER_TYPE]);

interface TypeState {
  names: ReadonlySet<string>;
  lastNonce: string;
  /** Of the whole types: what the client has been told and not been told to drop. */
  readonly held: Map<string, Resource>;
}

export class SotwProtocol {
  readonly #types = new Map<string, TypeState>();

  /** undefined: the request answers an older response, and another one that answers the newest is on its way. */
  read(request: DiscoveryRequest): ResourceRequest | undefined {
    const { typeUrl, responseNonce, errorDetail } = request;
    let state = this.#types.get(typeUrl);
    if (state === undefined) this.#types.set(typeUrl, (state = { names: new Set(), lastNonce: "", held: new Map() }));
    // A nonce of an earlier stream comes with the first request of a client that has connected again; it names nothing of ours.
    const known = state.lastNonce !== "";
    if (known && responseNonce !== "" && responseNonce !== state.lastNonce) return undefined;
    const before = state.names;
    // Every acknowledgement repeats all names: the strings of the first time are kept, those of the others may go at once.
    const repeated = request.resourceNames.length === before.size && request.resourceNames.every((name) => before.has(name));
    const names = repeated ? before : new Set(request.resourceNames);
    state.names = names;
    const unsubscribe = repeated ? [] : [...before].filter((name) => !names.has(name));
    for (const name of unsubscribe) if (!names.has("*")) state.held.delete(name);
    return {
      typeUrl,
      subscribe: repeated ? [] : request.resourceNames.filter((name) => !before.has(name)),
      unsubscribe,
      nonce: known ? responseNonce : "",
      error: errorDetail?.message,
      versions: {},
    };
  }

  /** The response in its wire form. */
  write(response: ResourceResponse): Buffer {
    const { typeUrl, nonce } = response;
    const state = this.#types.get(typeUrl);
    if (state !== undefined) state.lastNonce = nonce;
    if (state === undefined || !WHOLE_TYPES.has(typeUrl)) return sotwResponse(response, response.resources);
    for (const name of response.removed) state.held.delete(name);
    for (const resource of response.resources) state.held.set(resource.name, resource);
    return sotwResponse(response, state.held.values());
  }
}
