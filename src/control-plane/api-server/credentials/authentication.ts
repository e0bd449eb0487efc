// Who asks: the bearer of the server's token, or of a client certificate that its authority knows. Nobody else is anybody.
import { createHash, timingSafeEqual } from "node:crypto";
import type { User } from "#control-plane/api-server/discovery/reviews";

/** As Kubernetes calls who may do everything. */
const ADMIN_GROUP = "system:masters";
const ADMINS: User = { name: "mizzen:admin", groups: [ADMIN_GROUP, "system:authenticated"] };

export function userOfToken(token: string, known: string): User | undefined {
  // Digests are of one length, so that the time tells nothing of the token's either.
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(token), digest(known)) ? ADMINS : undefined;
}

export function isAdmin({ groups }: User): boolean {
  return groups.includes(ADMIN_GROUP);
}

/** Of an Authorization header. */
export function bearerToken(header: string): string | undefined {
  return /^Bearer ([\x21-\x7e]+)$/iu.exec(header.trim())?.[1];
}

/** Of a certificate that was verified: its common name, and its organizations as groups. Whoever issues certificates for this server gives
 * all that the token gives. */
export function userOfSubject(subject: Readonly<Record<string, string | string[] | undefined>>): User | undefined {
  const [name] = [subject["CN"]].flat();
  if (name === undefined || name === "") return undefined;
  return { name, groups: [...[subject["O"]].flat().filter((group) => group !== undefined), ADMIN_GROUP, "system:authenticated"] };
}
