// RBAC's matcher over what is known of a connection: a tree whose actions allow, deny or log. What it leads nowhere is denied, as in Envoy.
import type { Any } from "@bufbuild/protobuf/wkt";
import { nameOf, unpack } from "#envoy/any";
import { ActionSchema, RBAC_Action as Action } from "#envoy/gen/envoy/config/rbac/v3/rbac_pb";
import { FilterStateInputSchema } from "#envoy/gen/envoy/extensions/matching/common_inputs/network/v3/network_inputs_pb";
import {
  DnsSanInputSchema,
  SubjectInputSchema,
  UriSanInputSchema,
} from "#envoy/gen/envoy/extensions/matching/common_inputs/ssl/v3/ssl_inputs_pb";
import type { Matcher } from "#envoy/gen/xds/type/matcher/v3/matcher_pb";
import { compileMatchTree } from "#matcher/match-tree";
import type { MatchInput } from "#matcher/match-input";
import type { ReportViolation } from "#matcher/string-matcher";
import { inputOf, networkInputs } from "#proxy/listener/network-inputs";
import type { InputTable } from "#proxy/listener/network-inputs";
import type { ConnectionInfo } from "#proxy/net/connection";
import type { CertificateInfo } from "#proxy/net/tls-info";
import type { ConnectionRules } from "./connection-rules.ts";
import { setAccessLogHint } from "./connection-rules.ts";

/** Of a connection without TLS nobody can say what its certificate holds, as in Envoy: the matcher comes to nothing. */
const ofPeer =
  (read: (peer: CertificateInfo) => string) =>
  (): MatchInput<ConnectionInfo> =>
  ({ tls }) => {
    if (tls === undefined) return null;
    const text = tls.peer === undefined ? "" : read(tls.peer);
    return text === "" ? undefined : text;
  };

const INPUTS: InputTable<ConnectionInfo> = new Map([
  ...networkInputs<ConnectionInfo>({
    destination: ({ local }) => local,
    source: ({ remote }) => remote,
    directSource: ({ directRemote }) => directRemote,
    serverName: ({ requestedServerName }) => requestedServerName,
  }),
  [UriSanInputSchema.typeName, ofPeer((peer) => peer.names("URI").join(","))],
  [DnsSanInputSchema.typeName, ofPeer((peer) => peer.names("DNS").join(","))],
  [SubjectInputSchema.typeName, ofPeer(({ subject }) => subject)],
  [FilterStateInputSchema.typeName, filterStateInput],
]);

function filterStateInput(config: Any, path: string, report: ReportViolation): MatchInput<ConnectionInfo> {
  const key = unpack(config, FilterStateInputSchema)?.key ?? "";
  if (key === "") report(`${path}.key`, "must not be empty");
  return ({ filterState }) => filterState?.get(key);
}

/** `shadow`: it leaves nothing behind. */
export function compileMatcherRules(wire: Matcher, path: string, report: ReportViolation, shadow = false): ConnectionRules {
  let logs = false;
  const action = (config: Any, at: string, refuse: ReportViolation): Action | undefined => {
    const one = unpack(config, ActionSchema);
    if (one === undefined) {
      refuse(at, `must be an envoy.config.rbac.v3.Action, not ${nameOf(config.typeUrl)}`);
      return undefined;
    }
    if (one.name === "") refuse(`${at}.name`, "must not be empty");
    if (one.action === Action.LOG) logs = true;
    return one.action;
  };
  const tree = compileMatchTree(wire, { input: inputOf(INPUTS, "a network RBAC filter"), action }, path, report);
  return (info) => {
    const chosen = tree(info);
    // Where some connections are logged, each says whether it is.
    if (logs && !shadow) setAccessLogHint(info, chosen === Action.LOG);
    return chosen === Action.ALLOW || chosen === Action.LOG;
  };
}
