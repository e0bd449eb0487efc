// RouteAction.upgrade_configs: which upgrades a route allows, and whether a tunnel by CONNECT ends here.
import { ProxyProtocolConfig_Version as Version } from "#envoy/gen/envoy/config/core/v3/proxy_protocol_pb";
import type { RouteAction_UpgradeConfig } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import type { ReportViolation } from "#matcher/string-matcher";
import type { ConnectConfig, RouteEntry } from "./route.ts";

export function compileUpgrades(
  wire: readonly RouteAction_UpgradeConfig[],
  path: string,
  report: ReportViolation,
): Pick<RouteEntry, "upgrades" | "connect"> {
  const upgrades = new Map<string, boolean>();
  let connect: ConnectConfig | undefined;
  for (const [index, { upgradeType, enabled, connectConfig }] of wire.entries()) {
    const type = upgradeType.toLowerCase();
    if (type === "" || upgrades.has(type)) report(`${path}[${index}].upgrade_type`, `"${upgradeType}" is empty or stands twice`);
    upgrades.set(type, enabled ?? true);
    if (connectConfig === undefined) continue;
    if (type !== "connect") report(`${path}[${index}].connect_config`, `is for CONNECT, not for "${upgradeType}"`);
    const { allowPost, proxyProtocolConfig } = connectConfig;
    // Envoy accepts it, and writes none.
    if (proxyProtocolConfig?.passThroughTlvs !== undefined)
      report(`${path}[${index}].connect_config.proxy_protocol_config.pass_through_tlvs`, "not served");
    const version = proxyProtocolConfig?.version === Version.V2 ? 2 : 1;
    connect = Object.freeze({ allowPost, proxyProtocol: proxyProtocolConfig === undefined ? undefined : version });
  }
  return { upgrades: upgrades.size === 0 ? undefined : upgrades, connect };
}
