// Rules of the network RBAC filter.
import type { JsonObject } from "@bufbuild/protobuf";
import type { Choices } from "../choices.ts";
import { PORTS, range, SERVER_NAMES } from "./facts.ts";

const TYPE = "type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC";

function permission(choices: Choices, depth: number): JsonObject {
  const below = (): JsonObject => permission(choices, depth - 1);
  const leaves: (() => JsonObject)[] = [
    () => ({ any: true }),
    () => ({ destinationIp: range(choices) }),
    () => ({ destinationPort: choices.pick(PORTS) }),
    () => ({ destinationPortRange: choices.pick([{ start: 80, end: 443 }, { start: 400, end: 1001 }, { start: 80, end: 81 }]) }), // prettier-ignore
    () => ({
      requestedServerName: choices.pick<JsonObject>([
        { exact: choices.pick(SERVER_NAMES) },
        { suffix: ".example" },
        { prefix: "b." },
        { contains: "a." },
        { exact: "a.EXAMPLE", ignoreCase: true },
        { safeRegex: { regex: "[a-z]\\..*" } },
        { exact: "" },
      ]),
    }),
  ];
  const inner: (() => JsonObject)[] = [
    () => ({ notRule: below() }),
    () => ({ andRules: { rules: [below(), below()] } }),
    () => ({ orRules: { rules: [below(), below()] } }),
  ];
  return choices.pick(depth > 0 && choices.chance(0.4) ? inner : leaves)();
}

function principal(choices: Choices, depth: number): JsonObject {
  const below = (): JsonObject => principal(choices, depth - 1);
  const leaves: (() => JsonObject)[] = [
    () => ({ any: true }),
    () => ({ sourceIp: range(choices) }),
    () => ({ directRemoteIp: range(choices) }),
    () => ({ remoteIp: range(choices) }),
    () => ({ authenticated: choices.chance(0.5) ? {} : { principalName: { exact: "spiffe://a" } } }),
  ];
  const inner: (() => JsonObject)[] = [
    () => ({ notId: below() }),
    () => ({ andIds: { ids: [below(), below()] } }),
    () => ({ orIds: { ids: [below(), below()] } }),
  ];
  return choices.pick(depth > 0 && choices.chance(0.4) ? inner : leaves)();
}

function rules(choices: Choices): JsonObject {
  const policies: JsonObject = {};
  for (let i = choices.integer(3); i >= 0; i--)
    policies[`p${i}`] = {
      permissions: Array.from({ length: 1 + choices.integer(2) }, () => permission(choices, 2)),
      principals: Array.from({ length: 1 + choices.integer(2) }, () => principal(choices, 2)),
    };
  return { action: choices.pick(["ALLOW", "DENY"]), policies };
}

export function generateRbac(choices: Choices): JsonObject {
  const config: JsonObject = { statPrefix: "pair." };
  if (choices.chance(0.9)) config["rules"] = rules(choices);
  if (choices.chance(0.2)) config["shadowRules"] = rules(choices);
  return { name: "envoy.filters.network.rbac", typedConfig: { "@type": TYPE, ...config } };
}
