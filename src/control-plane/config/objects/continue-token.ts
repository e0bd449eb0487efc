// The token by which a list goes on, in Kubernetes' form: the version of the snapshot and the last key.
import { StatusError } from "#control-plane/config/status-error";

export interface ContinueToken {
  /** Undefined: whatever is there now, after a snapshot has expired. */
  readonly revision: number | undefined;
  readonly start: string;
}

const VERSION = "meta.k8s.io/v1";

export function encodeContinue({ revision, start }: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: VERSION, rv: revision ?? -1, start })).toString("base64url");
}

/** @throws StatusError BadRequest */
export function decodeContinue(text: string | undefined, prefix: string): ContinueToken | undefined {
  if (text === undefined || text === "") return undefined;
  let token: { readonly v?: unknown; readonly rv?: unknown; readonly start?: unknown };
  try {
    token = JSON.parse(Buffer.from(text, "base64url").toString("utf8")) as typeof token;
  } catch (error) {
    throw StatusError.badRequest(`continue key is not valid: ${(error as Error).message}`);
  }
  const { v, rv, start } = token ?? {};
  const valid = v === VERSION && typeof start === "string" && start.startsWith(prefix) && Number.isSafeInteger(rv) && (rv as number) >= -1;
  if (!valid) throw StatusError.badRequest("continue key is not valid: it belongs to another list");
  return { revision: rv === -1 ? undefined : (rv as number), start: start as string };
}
