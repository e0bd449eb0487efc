// AuthorizationPolicy: which requests and connections are let in.
import { enumeration, field, limited, message, repeated, required, string, type Decoded } from "./declaration.ts";
import { oneSelector, policySelection } from "./selector.ts";

const texts = repeated(string);
const accounts = limited(repeated(limited(string, { maxLength: 320 })), { maxItems: 16 });

const source = limited(
  message("Source", {
    principals: field(texts, "Identities of the caller's certificate: cluster.local/ns/NAMESPACE/sa/ACCOUNT"),
    notPrincipals: field(texts, "Identities that the caller must not have"),
    requestPrincipals: field(texts, "Identities of the request's token: ISSUER/SUBJECT"),
    notRequestPrincipals: field(texts, "Identities that the token must not have"),
    namespaces: field(texts, "Namespaces of the caller"),
    notNamespaces: field(texts, "Namespaces that the caller must not be in"),
    ipBlocks: field(texts, "Addresses and networks that the connection comes from"),
    notIpBlocks: field(texts, "Addresses and networks that it must not come from"),
    remoteIpBlocks: field(texts, "Addresses and networks of the first caller, as trusted proxies report it"),
    notRemoteIpBlocks: field(texts, "Addresses and networks that the first caller must not have"),
    serviceAccounts: field(accounts, "Service accounts of the caller: ACCOUNT or NAMESPACE/ACCOUNT"),
    notServiceAccounts: field(accounts, "Service accounts that the caller must not have"),
    trustDomains: field(texts, "Trust domains of the caller's certificate"),
    notTrustDomains: field(texts, "Trust domains that it must not be of"),
  }),
  {
    rules: [
      {
        rule: "(has(self.serviceAccounts) || has(self.notServiceAccounts)) ? (!has(self.principals) && !has(self.notPrincipals) && !has(self.namespaces) && !has(self.notNamespaces)) : true",
        message: "Cannot set serviceAccounts with namespaces or principals",
      },
    ],
  },
);
export type Source = Decoded<typeof source>;

const operation = message("Operation", {
  hosts: field(texts, "Hosts that are called"),
  notHosts: field(texts, "Hosts that must not be called"),
  ports: field(texts, "Ports that are called"),
  notPorts: field(texts, "Ports that must not be called"),
  methods: field(texts, "HTTP methods, or POST for gRPC"),
  notMethods: field(texts, "Methods that must not be used"),
  paths: field(texts, "Paths; {*} stands for one segment, {**} for several"),
  notPaths: field(texts, "Paths that must not be called"),
});
export type Operation = Decoded<typeof operation>;

const condition = message("Condition", {
  key: required(string, "What is compared: request.headers[NAME], source.ip, connection.sni, ..."),
  values: field(texts, "Values of which it must have one"),
  notValues: field(texts, "Values of which it must have none"),
});
export type Condition = Decoded<typeof condition>;

const rule = message("Rule", {
  from: field(
    limited(repeated(message("From", { source: field(source, "Conditions, which all hold") })), { maxItems: 512 }),
    "Who calls; one of them must match",
  ),
  to: field(
    repeated(message("To", { operation: field(operation, "Conditions, which all hold") })),
    "What is called; one of them must match",
  ),
  when: field(repeated(condition), "More conditions, which all hold"),
});
export type Rule = Decoded<typeof rule>;

export const authorizationPolicy = limited(
  message(
    "AuthorizationPolicy",
    {
      ...policySelection,
      rules: field(limited(repeated(rule), { maxItems: 512 }), "What it is about; without any it never matches. An empty rule always does"),
      action: field(enumeration(["ALLOW", "DENY", "AUDIT", "CUSTOM"]), "What happens to what matches"),
      provider: field(
        message("ExtensionProvider", { name: field(string, "Its name in MeshConfig") }),
        "The extension provider that decides; for CUSTOM",
      ),
    },
    [["provider"]],
  ),
  oneSelector,
);
export type AuthorizationPolicySpec = Decoded<typeof authorizationPolicy>;
