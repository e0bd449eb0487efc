// Istio's rules for MeshConfig's extension providers.
import type { ExtensionProvider } from "./extension-provider.ts";
import { domainFault, isIpAddress, portFault, sidecarHostFault } from "#api/validation/names";
import type { Check } from "#api/validation/violations";

/** Providers that are a service somewhere. */
const services = [
  "envoyExtAuthzHttp",
  "envoyExtAuthzGrpc",
  "zipkin",
  "lightstep",
  "datadog",
  "opencensus",
  "skywalking",
  "opentelemetry",
  "envoyHttpAls",
  "envoyTcpAls",
  "envoyOtelAls",
] as const;

const others = ["stackdriver", "prometheus", "envoyFileAccessLog", "sds"] as const;

export function checkExtensionProviders(providers: readonly ExtensionProvider[], check: Check): void {
  const names = new Set<string>();
  for (const [index, provider] of providers.entries()) {
    const at = check.at(index);
    const { name = "" } = provider;
    if (name === "") at.at("name").error("is required: other resources refer to it");
    else if (names.has(name)) at.at("name").error(`${JSON.stringify(name)} stands twice`);
    names.add(name);
    if (![...services, ...others].some((kind) => provider[kind] !== undefined))
      at.error("says not what it is", "add zipkin, opentelemetry, ...");
    checkExtensionProvider(provider, at);
  }
}

export function checkExtensionProvider(provider: ExtensionProvider, check: Check): void {
  for (const kind of services) {
    const settings = provider[kind];
    if (settings === undefined) continue;
    check.at(kind, "service").refuse(providerServiceFault(settings.service ?? ""));
    check.at(kind, "port").refuse(portFault(settings.port ?? 0));
  }
  const { lightstep, opentelemetry, envoyExtAuthzHttp, envoyExtAuthzGrpc } = provider;
  if (lightstep !== undefined && (lightstep.accessToken ?? "") === "") check.at("lightstep", "accessToken").error("is required");
  if (opentelemetry?.grpc !== undefined && opentelemetry.http !== undefined)
    check.at("opentelemetry").error("cannot have both grpc and http");
  check.at("envoyExtAuthzHttp", "statusOnError").refuse(statusFault(envoyExtAuthzHttp?.statusOnError ?? ""));
  check.at("envoyExtAuthzGrpc", "statusOnError").refuse(statusFault(envoyExtAuthzGrpc?.statusOnError ?? ""));
  const prefix = envoyExtAuthzHttp?.pathPrefix ?? "";
  if (prefix !== "" && !prefix.startsWith("/")) check.at("envoyExtAuthzHttp", "pathPrefix").error("must begin with /");
}

/** `host`, an address, or `namespace/host`. */
export function providerServiceFault(service: string): string | undefined {
  if (service === "") return "a service is required";
  if (service.includes("/")) return sidecarHostFault(service);
  return isIpAddress(service) ? undefined : domainFault(service);
}

// Statuses that Envoy can answer with (envoy.type.v3.StatusCode).
const statuses: ReadonlySet<number> = new Set([
  0, 100, 200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304, 305, 307, 308, 400, 401, 402, 403, 404, 405, 406, 407,
  408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 421, 422, 423, 424, 426, 428, 429, 431, 500, 501, 502, 503, 504, 505, 506, 507, 508,
  510, 511,
]);

function statusFault(status: string): string | undefined {
  if (status === "") return undefined;
  const valid = /^[-+]?\d+$/u.test(status) && statuses.has(Number(status));
  return valid ? undefined : `${JSON.stringify(status)} is no HTTP status that a proxy answers with`;
}
