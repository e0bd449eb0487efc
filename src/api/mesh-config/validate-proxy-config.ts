// Istio's rules for the proxies' settings, complete: with what was written over the defaults.
import { checkClientTls } from "#api/destination-rule/validate";
import { checkDuration } from "#api/validation/common-rules";
import { hostPortFault, portFault } from "#api/validation/names";
import type { Check } from "#api/validation/violations";
import type { ConnectionSettings } from "./connection-settings.ts";
import type { ProxyConfig } from "./proxy-config.ts";

export function checkProxyConfig(config: ProxyConfig, check: Check): void {
  for (const name of ["configPath", "binaryPath"] as const) if ((config[name] ?? "") === "") check.at(name).error("must not be empty");
  if (config.serviceCluster === "" || (config.serviceCluster === undefined && config.tracingServiceName === undefined)) {
    check.at("serviceCluster").error("must not be empty", "or write tracingServiceName");
  }
  checkDrainDuration(config.drainDuration, check.at("drainDuration"));
  check.at("discoveryAddress").refuse(hostPortFault(config.discoveryAddress ?? ""));
  checkTracing(config, check.at("tracing"));
  for (const name of ["statsdUdpAddress", "envoyMetricsServiceAddress"] as const) {
    if ((config[name] ?? "") !== "") check.at(name).refuse(hostPortFault(config[name] ?? ""));
  }
  for (const name of ["envoyMetricsService", "envoyAccessLogService"] as const) {
    const address = config[name]?.address ?? "";
    if (address !== "") check.at(name, "address").refuse(hostPortFault(address));
  }
  if (config.proxyMetadata?.["ISTIO_META_DNS_AUTO_ALLOCATE"] !== undefined) {
    check.at("proxyMetadata", "ISTIO_META_DNS_AUTO_ALLOCATE").warning("is deprecated: the control plane allocates addresses", "remove it");
  }
  for (const name of ["proxyAdminPort", "statusPort"] as const) check.at(name).refuse(portFault(config[name] ?? 0));
  if (config.controlPlaneAuthPolicy === "INHERIT") check.at("controlPlaneAuthPolicy").error("must be NONE or MUTUAL_TLS");
  checkKeyProvider(config, check.at("privateKeyProvider"));
  if (config.connectionSettings !== undefined) checkConnectionSettings(config.connectionSettings, check.at("connectionSettings"));
}

export function checkDrainDuration(ms: number | undefined, check: Check): void {
  checkDuration(ms ?? 0, check);
  if (ms !== undefined && ms % 1000 !== 0) check.error("must be whole seconds");
}

/** The proxy puts its machine's address for it. */
function addressFault(address: string | undefined): string | undefined {
  return hostPortFault((address ?? "").replace("$(HOST_IP)", "127.0.0.1"));
}

function checkTracing({ tracing }: ProxyConfig, check: Check): void {
  if (tracing === undefined) return;
  const { lightstep, zipkin, datadog } = tracing;
  if (lightstep !== undefined) {
    check.at("lightstep", "address").refuse(hostPortFault(lightstep.address ?? ""));
    if ((lightstep.accessToken ?? "") === "") check.at("lightstep", "accessToken").error("is required");
  }
  if (zipkin !== undefined) check.at("zipkin", "address").refuse(addressFault(zipkin.address));
  if (datadog !== undefined) check.at("datadog", "address").refuse(addressFault(datadog.address));
  checkClientTls(tracing.tlsSettings, check.at("tlsSettings"));
}

function checkKeyProvider({ privateKeyProvider }: ProxyConfig, check: Check): void {
  if (privateKeyProvider === undefined) return;
  const { cryptomb, qat } = privateKeyProvider;
  if (cryptomb === undefined && qat === undefined) check.error("says not which", "add cryptomb or qat");
  for (const [name, provider] of Object.entries({ cryptomb, qat })) {
    if (provider !== undefined && (provider.pollDelay ?? 0) === 0) check.at(name, "pollDelay").error("is required and must not be 0");
  }
}

const minWindow = 65_535;

export function checkConnectionSettings(settings: ConnectionSettings, check: Check): void {
  const atLeast = (min: number, names: readonly (keyof ConnectionSettings)[]): void => {
    for (const name of names) {
      const value = settings[name];
      if (typeof value === "number" && value < min) check.at(name).error(`must be ${min} or more`);
    }
  };
  atLeast(0, ["listenerPerConnectionBufferLimitBytes", "clusterPerConnectionBufferLimitBytes"]);
  atLeast(0, ["httpIdleTimeout", "httpMaxConnectionDuration", "httpDrainTimeout", "httpRequestTimeout"]);
  atLeast(0, ["httpRequestHeadersTimeout", "httpStreamIdleTimeout", "httpMaxStreamDuration"]);
  atLeast(1, ["httpMaxConcurrentStreams", "listenerConnectionLimit", "globalDownstreamConnectionLimit"]);
  atLeast(minWindow, ["http2InitialStreamWindowSize", "http2InitialConnectionWindowSize"]);
}
