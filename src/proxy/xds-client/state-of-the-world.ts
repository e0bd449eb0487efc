// State of the world, seen as delta: what a stream of DiscoveryRequests and DiscoveryResponses says, in the messages of the delta
// protocol, so that everything above knows one protocol. Of clusters and listeners a response holds all there are: those that it leaves
// out are removed. Of the other types it holds what it likes, and nothing is ever removed.
import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import {
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
  ResourceSchema,
} from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import type {
  DeltaDiscoveryRequest,
  DeltaDiscoveryResponse,
  DiscoveryResponse,
  Resource,
} from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import { decodeMessage } from "#envoy/decode";
import { unpack } from "#envoy/any";
import { CLUSTER_TYPE, LISTENER_TYPE } from "#envoy/type-urls";

/** All resource types have their name (of endpoints: cluster_name) as field 1. */
const NAME_FIELD = 1;

/** Versions of responses that are kept for their answers. */
const MAX_UNANSWERED = 64;

/** Follows the complete sets of one source. */
export class CompleteSets {
  readonly #held = new Map<string, ReadonlySet<string>>();

  /** @throws Error when bytes are no message */
  asDelta(response: DiscoveryResponse): DeltaDiscoveryResponse {
    const { typeUrl, versionInfo, nonce } = response;
    const resources: Resource[] = [];
    for (const any of response.resources) {
      const wrapped = unpack(any, ResourceSchema);
      const resource = wrapped?.resource ?? any;
      const name = wrapped !== undefined && wrapped.name !== "" ? wrapped.name : nameIn(resource.value);
      resources.push(create(ResourceSchema, { name, version: versionInfo, resource }));
    }
    const names = new Set(resources.map(({ name }) => name));
    const complete = typeUrl === CLUSTER_TYPE || typeUrl === LISTENER_TYPE;
    const removedResources = complete ? [...(this.#held.get(typeUrl) ?? [])].filter((name) => !names.has(name)) : [];
    if (complete) this.#held.set(typeUrl, names);
    return create(DeltaDiscoveryResponseSchema, { typeUrl, nonce, systemVersionInfo: versionInfo, resources, removedResources });
  }
}

function nameIn(bytes: Uint8Array): string {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === NAME_FIELD) return reader.string();
    reader.skip(wireType, field);
  }
  return "";
}

interface TypeState {
  readonly names: Set<string>;
  /** Of the newest response that was accepted; it outlives the stream. */
  version: string;
  nonce: string;
  /** By nonce: an answer may go out when newer responses are here already. */
  readonly versions: Map<string, string>;
}

/** One source over gRPC: its streams follow each other. */
export class StateOfTheWorld {
  readonly #sets = new CompleteSets();
  readonly #types = new Map<string, TypeState>();

  /** A new stream knows no names and no nonce. */
  restart(): void {
    for (const state of this.#types.values()) {
      state.names.clear();
      state.nonce = "";
      state.versions.clear();
    }
  }

  encode(request: DeltaDiscoveryRequest): Buffer {
    const { typeUrl, node, responseNonce, errorDetail } = request;
    const state = this.#state(typeUrl);
    for (const name of request.resourceNamesSubscribe) state.names.add(name);
    for (const name of request.resourceNamesUnsubscribe) state.names.delete(name);
    if (responseNonce !== "" && errorDetail === undefined) state.version = state.versions.get(responseNonce) ?? state.version;
    return Buffer.from(
      toBinary(
        DiscoveryRequestSchema,
        create(DiscoveryRequestSchema, {
          typeUrl,
          versionInfo: state.version,
          responseNonce: responseNonce === "" ? state.nonce : responseNonce,
          resourceNames: [...state.names].sort(),
          ...(node === undefined ? {} : { node }),
          ...(errorDetail === undefined ? {} : { errorDetail }),
        }),
      ),
    );
  }

  decode(bytes: Uint8Array): DeltaDiscoveryResponse {
    const response = decodeMessage(DiscoveryResponseSchema, bytes);
    const state = this.#state(response.typeUrl);
    state.nonce = response.nonce;
    state.versions.set(response.nonce, response.versionInfo);
    for (const nonce of state.versions.keys()) if (state.versions.size > MAX_UNANSWERED) state.versions.delete(nonce);
    return this.#sets.asDelta(response);
  }

  #state(typeUrl: string): TypeState {
    let state = this.#types.get(typeUrl);
    if (state === undefined) this.#types.set(typeUrl, (state = { names: new Set(), version: "", nonce: "", versions: new Map() }));
    return state;
  }
}
