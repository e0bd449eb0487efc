// Where a cluster of type ORIGINAL_DST sends: to what a filter said, else what metadata say, else what a header says, else where captured
// traffic meant to go, in Envoy's order; the port may be another.
import type { Cluster_OriginalDstLbConfig } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { ipBytes } from "#proxy/codec/ip-address";
import { valueAt } from "#proxy/http/dynamic-metadata";
import { ORIGINAL_DESTINATION_KEY } from "#proxy/http/filter-state-values";
import type { StreamInfo } from "#proxy/http/stream-info";
import type { SocketAddress } from "#proxy/net/connection";
import type { LoadBalancerContext } from "./cluster.ts";

export interface OriginalDestinationConfig {
  /** Lower case; undefined: no header is looked at. */
  readonly header: string | undefined;
  readonly metadata: { readonly namespace: string; readonly keys: readonly string[] } | undefined;
  readonly port: number | undefined;
}

const DEFAULT_HEADER = "x-envoy-original-dst-host";

type Refuse = (path: string, message: string) => void;

export function readOriginalDestination(wire: Cluster_OriginalDstLbConfig | undefined, refuse: Refuse): OriginalDestinationConfig {
  const path = "original_dst_lb_config";
  const { useHttpHeader = false, httpHeaderName = "", upstreamPortOverride: port, metadataKey } = wire ?? {};
  if (!useHttpHeader && httpHeaderName !== "") refuse(`${path}.http_header_name`, "needs use_http_header");
  if (port !== undefined && port > 65_535) refuse(`${path}.upstream_port_override`, `${port} is not a port`);
  if (metadataKey !== undefined && metadataKey.key === "") refuse(`${path}.metadata_key.key`, "must not be empty");
  if (metadataKey !== undefined && metadataKey.path.length === 0) refuse(`${path}.metadata_key.path`, "must not be empty");
  return Object.freeze({
    header: useHttpHeader ? (httpHeaderName === "" ? DEFAULT_HEADER : httpHeaderName.toLowerCase()) : undefined,
    metadata:
      metadataKey === undefined
        ? undefined
        : { namespace: metadataKey.key, keys: metadataKey.path.map(({ segment }) => segment.value ?? "") },
    port,
  });
}

/** `onInvalid`: something was said, but it is no address. */
export function originalDestinationOf(
  { info, originalDestination }: LoadBalancerContext,
  config: OriginalDestinationConfig,
  onInvalid: () => void,
): SocketAddress | undefined {
  const said = (text: string | undefined): SocketAddress | undefined => {
    if (text === undefined) return undefined;
    const address = addressOf(text);
    if (address === undefined) onInvalid();
    return address;
  };
  const destination =
    said(info?.filterState?.get(ORIGINAL_DESTINATION_KEY)) ??
    said(metadataOf(info, config)) ??
    said(headerOf(info, config)) ??
    originalDestination;
  return destination === undefined || config.port === undefined ? destination : { ...destination, port: config.port };
}

function metadataOf(info: StreamInfo | undefined, { metadata }: OriginalDestinationConfig): string | undefined {
  if (info === undefined || metadata === undefined) return undefined;
  const value = valueAt(info.dynamicMetadata ?? {}, [metadata.namespace, ...metadata.keys]);
  // Of a list the first that is text, as in Envoy.
  const first = Array.isArray(value) ? value[0] : value;
  return typeof first === "string" ? first : undefined;
}

function headerOf(info: StreamInfo | undefined, { header }: OriginalDestinationConfig): string | undefined {
  // Whoever sends it is not trusted: of several the first counts.
  return header === undefined ? undefined : info?.requestHeaders?.getAll(header)[0];
}

/** `10.0.0.1:80`, `[fd00::1]:80` */
function addressOf(text: string): SocketAddress | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const address = match?.[1] ?? match?.[2] ?? "";
  const port = Number(match?.[3]);
  const bytes = ipBytes(address);
  return bytes === undefined || port > 65_535 || (bytes.length === 4) !== (match?.[1] === undefined) ? undefined : { address, port };
}
