// ProxyConfig.proxyHeaders: which headers the proxies add of their own accord.
import {
  HttpConnectionManager_ForwardClientCertDetails as ForwardClientCert,
  HttpConnectionManager_ServerHeaderTransformation as ServerHeader,
  type HttpConnectionManager,
  type HttpConnectionManagerSchema,
} from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ProxyConfig } from "#api/mesh-config";
import type { ListenerClass } from "#control-plane/generate/filter-inputs";

type Settings = Exclude<MessageInitShape<typeof HttpConnectionManagerSchema>, HttpConnectionManager>;

/** What istiod puts into the `server` header of everything but a sidecar's own callers. */
const SERVER_NAME = "istio-envoy";

/** Of every class of listener. */
export function headerSettings(listenerClass: ListenerClass, { proxyHeaders }: ProxyConfig): Settings {
  return {
    ...serverHeader(listenerClass, proxyHeaders),
    ...(proxyHeaders?.requestId?.disabled === true ? { generateRequestId: false } : {}),
    ...(proxyHeaders?.xForwardedPort?.enabled === true ? { appendXForwardedPort: true } : {}),
  };
}

function serverHeader(listenerClass: ListenerClass, proxyHeaders: ProxyConfig["proxyHeaders"]): Settings {
  const server = proxyHeaders?.server;
  if (server?.disabled === true) return { serverHeaderTransformation: ServerHeader.PASS_THROUGH };
  if (server?.value !== undefined && server.value !== "") return { serverName: server.value };
  return listenerClass === "sidecar-outbound" ? {} : { serverName: SERVER_NAME };
}

/** x-forwarded-client-cert towards the application. */
export function inboundClientCertSettings({ proxyHeaders }: ProxyConfig): Settings {
  const details = proxyHeaders?.setCurrentClientCertDetails;
  return {
    forwardClientCertDetails: forwardClientCert(proxyHeaders?.forwardedClientCert, ForwardClientCert.APPEND_FORWARD),
    setCurrentClientCertDetails: {
      subject: details?.subject ?? true,
      uri: details?.uri ?? true,
      dns: details?.dns ?? true,
      cert: details?.cert ?? false,
      chain: details?.chain ?? false,
    },
  };
}

/** A gateway's callers are outside the mesh: their header counts only as far as gatewayTopology trusts what stands before the gateway. */
export function gatewayClientCertSettings({ gatewayTopology }: ProxyConfig): Settings {
  return {
    forwardClientCertDetails: forwardClientCert(gatewayTopology?.forwardClientCertDetails, ForwardClientCert.SANITIZE_SET),
    setCurrentClientCertDetails: { subject: true, cert: true, dns: true, uri: true },
  };
}

type Details = NonNullable<ProxyConfig["gatewayTopology"]>["forwardClientCertDetails"];

const FORWARD_CLIENT_CERT: Readonly<Record<Exclude<Details, undefined | "UNDEFINED">, ForwardClientCert>> = {
  SANITIZE: ForwardClientCert.SANITIZE,
  FORWARD_ONLY: ForwardClientCert.FORWARD_ONLY,
  APPEND_FORWARD: ForwardClientCert.APPEND_FORWARD,
  SANITIZE_SET: ForwardClientCert.SANITIZE_SET,
  ALWAYS_FORWARD_ONLY: ForwardClientCert.ALWAYS_FORWARD_ONLY,
};

function forwardClientCert(details: Details, otherwise: ForwardClientCert): ForwardClientCert {
  return details === undefined || details === "UNDEFINED" ? otherwise : FORWARD_CLIENT_CERT[details];
}
