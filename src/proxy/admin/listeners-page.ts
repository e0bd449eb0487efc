// `/listeners`: where live listeners listen.
import { addressText } from "#proxy/net/socket-address";
import { addressJson } from "./address-json.ts";
import type { AdminSource } from "./admin-source.ts";
import { json } from "./page.ts";
import type { Answer } from "./page.ts";

export function listenersPage(source: AdminSource, query: URLSearchParams): Answer {
  const listeners = source.config.listeners.live.map(({ name }) => ({ name, addresses: source.listenerAddresses(name) }));
  if (query.get("format") !== "json") {
    // One line an address, as Envoy.
    return { body: listeners.map(({ name, addresses }) => addresses.map((one) => `${name}::${addressText(one)}\n`).join("")).join("") };
  }
  return json({
    listener_statuses: listeners.map(({ name, addresses: [first, ...more] }) => ({
      name,
      ...(first === undefined ? {} : { local_address: addressJson(first) }),
      ...(more.length === 0 ? {} : { additional_local_addresses: more.map(addressJson) }),
    })),
  });
}
