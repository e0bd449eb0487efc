// Questions that a client asks by creating an object which nobody stores: who am I, may I. Whoever has the server's credentials may do
// everything; somebody whom they ask as (impersonation) may do nothing.
import { textAt, withMember, type JsonObject } from "#control-plane/api-server/json";

export interface User {
  readonly name: string;
  readonly groups: readonly string[];
}

export interface Review {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced?: boolean;
  readonly answer: (asked: JsonObject, question: Question) => JsonObject;
}

export interface Question {
  readonly user: User;
  readonly mayAll: boolean;
  /** Whose token it is; undefined for one that is nobody's. */
  readonly userOf: (token: string) => User | undefined;
}

const AUTHENTICATION = { group: "authentication.k8s.io", version: "v1" } as const;
const AUTHORIZATION = { group: "authorization.k8s.io", version: "v1" } as const;
const ALLOWED = { allowed: true, reason: "whoever has this server's credentials may do everything" };
const DENIED = { allowed: false, reason: "only whoever has this server's credentials may do something" };
const ALL_RULES = {
  resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }],
  nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
};
const NO_RULES = { resourceRules: [], nonResourceRules: [] };

function userInfo({ name, groups }: User): JsonObject {
  return { username: name, groups };
}

export const REVIEWS: readonly Review[] = [
  {
    ...AUTHENTICATION,
    plural: "selfsubjectreviews",
    kind: "SelfSubjectReview",
    answer: (asked, { user }) => withMember(asked, "status", { userInfo: userInfo(user) }),
  },
  {
    ...AUTHENTICATION,
    plural: "tokenreviews",
    kind: "TokenReview",
    answer: (asked, { userOf }) => {
      const user = userOf(textAt(asked, "spec", "token"));
      const status =
        user === undefined ? { error: "the token is not one of this server's" } : { authenticated: true, user: userInfo(user) };
      return withMember(asked, "status", status);
    },
  },
  {
    ...AUTHORIZATION,
    plural: "selfsubjectaccessreviews",
    kind: "SelfSubjectAccessReview",
    answer: (asked, { mayAll }) => withMember(asked, "status", mayAll ? ALLOWED : DENIED),
  },
  {
    ...AUTHORIZATION,
    plural: "selfsubjectrulesreviews",
    kind: "SelfSubjectRulesReview",
    answer: (asked, { mayAll }) => withMember(asked, "status", { incomplete: false, ...(mayAll ? ALL_RULES : NO_RULES) }),
  },
];
