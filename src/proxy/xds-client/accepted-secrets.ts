// Secrets for connections of the main thread itself: decoded once, as long as they stay the same.
import { decodeMessage } from "#envoy/decode";
import { SecretSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb";
import type { Secret } from "#proxy/transport-socket/secret";
import type { Secrets } from "#proxy/transport-socket/tls-context";
import type { SecretFacts } from "./resource-facts.ts";
import type { ResourceSlots } from "./resource-slots.ts";

export class AcceptedSecrets implements Secrets {
  readonly #slots: ResourceSlots<SecretFacts>;
  readonly #decoded = new WeakMap<Uint8Array, Secret>();

  constructor(slots: ResourceSlots<SecretFacts>) {
    this.#slots = slots;
  }

  get(key: string): Secret | undefined {
    const bytes = this.#slots.get(key)?.newest?.bytes;
    if (bytes === undefined) return undefined;
    let secret = this.#decoded.get(bytes);
    if (secret === undefined) this.#decoded.set(bytes, (secret = decodeMessage(SecretSchema, bytes)));
    return secret;
  }
}
