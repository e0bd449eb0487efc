// Options of the connection manager, for a batch of pairs: what it makes of paths, hosts, claims about the client, ids, upgrades and its own
// answers. Fields are in camel case, as in the harness.
import type { JsonObject } from "@bufbuild/protobuf";
import type { Choices } from "./choices.ts";

const TYPE = "type.googleapis.com/envoy.extensions.http";
const LOOPBACK = { addressPrefix: "127.0.0.0", prefixLen: 8 };
const PRIVATE = { addressPrefix: "10.0.0.0", prefixLen: 8 };

function statusIs(value: number): JsonObject {
  return { statusCodeFilter: { comparison: { op: "EQ", value: { defaultValue: value, runtimeKey: "pair.status" } } } };
}

function localReplies(choices: Choices): JsonObject {
  const mapper = (status: number): JsonObject => {
    const made: JsonObject = { filter: statusIs(status) };
    if (choices.chance(0.5)) made["statusCode"] = choices.pick([499, 503, 200]);
    if (choices.chance(0.5)) made["body"] = { inlineString: choices.pick(["mapped", ""]) };
    if (choices.chance(0.5))
      made["headersToAdd"] = [
        {
          header: {
            key: choices.pick(["x-mapped", "content-type", "x-route"]),
            value: choices.pick(["yes", "%RESPONSE_CODE%", "%RESP(:status)%"]),
          },
        },
      ];
    return made;
  };
  return { mappers: choices.some([404, 503, 403, 429, 504, 301], 1, 3).map(mapper) };
}

function earlyMutations(choices: Choices): JsonObject[] {
  return [
    {
      name: "envoy.http.early_header_mutation.header_mutation",
      typedConfig: {
        "@type": `${TYPE}.early_header_mutation.header_mutation.v3.HeaderMutation`,
        mutations: choices.some<JsonObject>(
          [
            { append: { header: { key: "x-early", value: "%REQ(x-a)%" }, appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" } },
            { append: { header: { key: "x-color", value: "red" }, appendAction: "ADD_IF_ABSENT" } },
            { remove: "x-b" },
          ],
          1,
          3,
        ),
      },
    },
  ];
}

type Option = (manager: JsonObject, choices: Choices) => void;

/** One of each list, with this chance. */
const OPTIONS: readonly (readonly [share: number, add: Option])[] = [
  [0.3, (manager) => void (manager["useRemoteAddress"] = false)],
  [0.3, (manager, choices) => void (manager["xffNumTrustedHops"] = 1 + choices.integer(2))],
  [0.15, (manager) => void (manager["skipXffAppend"] = true)],
  [0.15, (manager) => void (manager["appendXForwardedPort"] = true)],
  [0.4, (manager, choices) => void (manager["internalAddressConfig"] = { cidrRanges: choices.some([LOOPBACK, PRIVATE], 1, 2) })],
  [0.2, (manager) => void (manager["via"] = "pair")],
  [0.15, (manager) => void (manager["generateRequestId"] = false)],
  [0.2, (manager) => void (manager["preserveExternalRequestId"] = true)],
  [0.2, (manager) => void (manager["alwaysSetRequestIdInResponse"] = true)],
  [
    0.3,
    (manager, choices): void => {
      manager["forwardClientCertDetails"] = choices.pick([
        "SANITIZE",
        "FORWARD_ONLY",
        "APPEND_FORWARD",
        "SANITIZE_SET",
        "ALWAYS_FORWARD_ONLY",
      ]);
      if (choices.chance(0.5)) manager["setCurrentClientCertDetails"] = { subject: true, uri: true };
    },
  ],
  [
    0.3,
    (manager, choices): void => {
      manager["serverHeaderTransformation"] = choices.pick(["OVERWRITE", "APPEND_IF_ABSENT", "PASS_THROUGH"]);
      if (choices.chance(0.5)) manager["serverName"] = "of-the-manager";
    },
  ],
  [0.15, (manager, choices) => void (manager["schemeHeaderTransformation"] = { schemeToOverwrite: choices.pick(["http", "https"]) })],
  [0.3, (manager) => void (manager["normalizePath"] = false)],
  [0.3, (manager) => void (manager["mergeSlashes"] = true)],
  [
    0.4,
    (manager, choices) =>
      void (manager["pathWithEscapedSlashesAction"] = choices.pick([
        "KEEP_UNCHANGED",
        "REJECT_REQUEST",
        "UNESCAPE_AND_REDIRECT",
        "UNESCAPE_AND_FORWARD",
      ])),
  ],
  [0.2, (manager) => void (manager["stripAnyHostPort"] = true)],
  [0.2, (manager) => void (manager["stripTrailingHostDot"] = true)],
  [
    0.4,
    (manager, choices): void => {
      const common: JsonObject = {};
      common["headersWithUnderscoresAction"] = choices.pick(["ALLOW", "REJECT_REQUEST", "DROP_HEADER"]);
      if (choices.chance(0.2)) common["maxHeadersCount"] = 50;
      if (choices.chance(0.1)) common["maxRequestsPerConnection"] = 1;
      if (choices.chance(0.1)) common["maxStreamDuration"] = "1s";
      manager["commonHttpProtocolOptions"] = common;
    },
  ],
  [0.15, (manager) => void (manager["maxRequestHeadersKb"] = 16)],
  [0.2, (manager) => void (manager["proxy100Continue"] = false)],
  [
    0.3,
    (manager, choices) =>
      void (manager["upgradeConfigs"] = choices.pick<JsonObject[]>([
        [],
        [{ upgradeType: "websocket", enabled: false }],
        [{ upgradeType: "WebSocket" }, { upgradeType: "CONNECT" }],
      ])),
  ],
  [0.3, (manager, choices) => void (manager["localReplyConfig"] = localReplies(choices))],
  [0.2, (manager, choices) => void (manager["earlyHeaderMutationExtensions"] = earlyMutations(choices))],
  [0.2, (manager) => void (manager["streamErrorOnInvalidHttpMessage"] = true)],
  [0.1, (manager) => void (manager["tracing"] = {})],
];

/** Clients of HTTP/1.0 are served, those without a Host too where it says which one they mean. */
function http10(choices: Choices, host: string): JsonObject {
  const options: JsonObject = { allowAbsoluteUrl: true, enableTrailers: true, acceptHttp10: true };
  if (choices.chance(0.7)) options["defaultHostForHttp10"] = host;
  return options;
}

/** Half of the batches have the manager as it is without any of these. */
export function generateManager(choices: Choices, defaultHost: string): JsonObject {
  const manager: JsonObject = {};
  if (choices.chance(0.5)) manager["httpProtocolOptions"] = http10(choices, defaultHost);
  if (choices.chance(0.5)) return manager;
  for (const [share, add] of OPTIONS) if (choices.chance(share)) add(manager, choices);
  if (manager["useRemoteAddress"] === false && choices.chance(0.3)) {
    delete manager["xffNumTrustedHops"];
    manager["originalIpDetectionExtensions"] = [
      {
        name: "envoy.http.original_ip_detection.custom_header",
        typedConfig: { "@type": `${TYPE}.original_ip_detection.custom_header.v3.CustomHeaderConfig`, headerName: "x-real-ip" },
      },
    ];
  }
  return manager;
}
