// original_ip_detection_extensions: who the client is when the peer of the connection does not say it. The first that knows, decides.
import type { TypedExtensionConfig } from "#envoy/gen/envoy/config/core/v3/extension_pb";
import { CustomHeaderConfigSchema } from "#envoy/gen/envoy/extensions/http/original_ip_detection/custom_header/v3/custom_header_pb";
import { XffConfigSchema } from "#envoy/gen/envoy/extensions/http/original_ip_detection/xff/v3/xff_pb";
import { nameOf, unpack } from "#envoy/any";
import { ipBytes } from "#proxy/codec/ip-address";
import type { SocketAddress } from "#proxy/net/connection";
import type { RequestHeaderMap } from "./header-map.ts";
import { lastAddress } from "./forwarded-for.ts";

export interface DetectedClient {
  readonly remote: SocketAddress;
  /** Nobody stands between it and us: it may count as internal. */
  readonly direct: boolean;
}

export type DetectClient = (headers: RequestHeaderMap) => DetectedClient | undefined;

export function detectByForwardedFor(trustedHops: number): DetectClient {
  return (headers) => {
    const forwarded = headers.getJoined("x-forwarded-for");
    const remote = lastAddress(forwarded, trustedHops);
    return remote === undefined ? undefined : { remote, direct: forwarded?.includes(",") === false };
  };
}

export function compileIpDetection(
  extensions: readonly TypedExtensionConfig[],
  refuse: (field: string, message: string) => void,
): DetectClient {
  const detectors = extensions.flatMap(({ name, typedConfig }, at): DetectClient[] => {
    const field = `original_ip_detection_extensions[${at}].typed_config`;
    const type = nameOf(typedConfig?.typeUrl ?? "");
    try {
      if (type === XffConfigSchema.typeName) return [detectByForwardedFor(unpack(typedConfig, XffConfigSchema)?.xffNumTrustedHops ?? 0)];
      if (type === CustomHeaderConfigSchema.typeName) {
        const wire = unpack(typedConfig, CustomHeaderConfigSchema);
        if (wire === undefined || wire.headerName === "") refuse(`${field}.header_name`, "must not be empty");
        return [detectByHeader(wire?.headerName.toLowerCase() ?? "", wire?.allowExtensionToSetAddressAsTrusted ?? false)];
      }
      refuse(field, `"${name}" of type ${type} is not known to this proxy`);
    } catch (error) {
      refuse(field, `is not a valid ${type}: ${String(error)}`);
    }
    return [];
  });
  return (headers) => {
    for (const detect of detectors) {
      const found = detect(headers);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

function detectByHeader(name: string, direct: boolean): DetectClient {
  return (headers) => {
    const address = headers.get(name);
    return address === undefined || ipBytes(address) === undefined ? undefined : { remote: { address, port: 0 }, direct };
  };
}
