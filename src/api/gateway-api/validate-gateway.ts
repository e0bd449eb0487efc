// The rules of Gateways, ListenerSets and GatewayClasses that the Gateway API's CRDs say in CEL.
import { isIP } from "node:net";
import { checkLabelSelector } from "#api/kubernetes/label-selector";
import type { Check } from "#api/validation/violations";
import type { GatewayClassSpec } from "./gateway-class.ts";
import type { KubernetesGatewaySpec, ListenerSetSpec } from "./gateway.ts";
import type { Listener } from "./listener.ts";

/** The schema says it all: a controller's name never changes, but a file does not know what it was before. */
export function validateGatewayClass(_spec: GatewayClassSpec, _check: Check): void {}

export function validateKubernetesGateway(spec: KubernetesGatewaySpec, check: Check): void {
  checkListeners(spec.listeners, check.at("listeners"));
  checkAddresses(spec.addresses ?? [], check.at("addresses"));
  checkMetadataKeys(spec.infrastructure?.labels, check.at("infrastructure", "labels"));
  checkMetadataKeys(spec.infrastructure?.annotations, check.at("infrastructure", "annotations"));
  checkLabelSelector(spec.allowedListeners?.namespaces?.selector, "warning", check.at("allowedListeners", "namespaces", "selector"));
}

export function validateListenerSet(spec: ListenerSetSpec, check: Check): void {
  checkListeners(spec.listeners, check.at("listeners"));
}

const withoutTls: ReadonlySet<string> = new Set(["HTTP", "TCP", "UDP"]);
const withoutHost: ReadonlySet<string> = new Set(["TCP", "UDP"]);

export function checkListeners(listeners: readonly Listener[], check: Check): void {
  const places = new Map<string, string>();
  for (const [index, listener] of listeners.entries()) {
    const at = check.at(index);
    const { protocol, hostname, port } = listener;
    checkListenerTls(listener, at);
    if (hostname !== undefined && withoutHost.has(protocol)) {
      at.at("hostname").error(`protocol ${protocol} has no hosts`, "remove hostname");
    }
    checkLabelSelector(listener.allowedRoutes?.namespaces?.selector, "warning", at.at("allowedRoutes", "namespaces", "selector"));
    if (port === undefined) continue;
    const place = `${port}|${protocol}|${hostname ?? ""}`;
    const other = places.get(place);
    if (other === undefined) places.set(place, listener.name);
    else at.error(`port ${port}, protocol ${protocol} and host ${hostname ?? "(any)"} are those of listener ${other}`);
  }
}

function checkListenerTls({ protocol, tls }: Listener, check: Check): void {
  if (tls === undefined) {
    if (protocol === "TLS") check.error("protocol TLS needs tls", "add tls with a mode");
    return;
  }
  const { mode = "Terminate", certificateRefs, options } = tls;
  if (withoutTls.has(protocol)) {
    check.at("tls").error(`protocol ${protocol} has no TLS`, "use protocol HTTPS or TLS, or remove tls");
  } else if (protocol === "HTTPS" && mode === "Passthrough") {
    check.at("tls", "mode").error("protocol HTTPS ends TLS here: its mode must be Terminate", "use protocol TLS for Passthrough");
  } else if (mode === "Terminate" && isEmpty(certificateRefs) && isEmpty(options)) {
    check.at("tls").error("mode Terminate needs certificateRefs or options", "name the Secret of the certificate");
  }
}

function isEmpty(value: object | undefined): boolean {
  return value === undefined || Object.keys(value).length === 0;
}

const hostnameValue = /^(?:\*\.)?[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/u;

function checkAddresses(addresses: NonNullable<KubernetesGatewaySpec["addresses"]>, check: Check): void {
  const seen = new Set<string>();
  for (const [index, { type = "IPAddress", value }] of addresses.entries()) {
    if (value === undefined) continue;
    const at = check.at(index, "value");
    if (type === "IPAddress" && isIP(value) === 0) at.error(`${JSON.stringify(value)} is no IP address`);
    if (type === "Hostname" && value !== "" && !hostnameValue.test(value)) at.error(`${JSON.stringify(value)} is no host name`);
    const key = `${type}|${value}`;
    if (seen.has(key) && (type === "IPAddress" || type === "Hostname")) at.error(`${type} ${value} stands twice`);
    seen.add(key);
  }
}

const metadataKey =
  /^(?:[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*\/)?(?:[A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$/u;
const maxPrefixLength = 252;
/** No prefix, slash and name together are longer; keeps the expression's work small. */
const maxKeyLength = maxPrefixLength + 64;

function checkMetadataKeys(values: Readonly<Record<string, string>> | undefined, check: Check): void {
  for (const key of Object.keys(values ?? {})) {
    const [prefix = ""] = key.split("/");
    const valid = key.length <= maxKeyLength && prefix.length <= maxPrefixLength && metadataKey.test(key);
    if (!valid) check.at(key).error(`${JSON.stringify(key.slice(0, 80))} is no name of a label or annotation`);
  }
}
