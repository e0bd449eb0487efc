// Refusals that only the API knows, in Kubernetes' words; those that the store knows are made by StatusError itself.
import { StatusError, type StatusCause } from "#control-plane/config/status-error";

/** Why a field is refused, in Kubernetes' words. */
export type CauseReason =
  | "FieldValueRequired"
  | "FieldValueInvalid"
  | "FieldValueNotSupported"
  | "FieldValueDuplicate"
  | "FieldValueForbidden";

interface Kind {
  readonly group: string;
  readonly kind: string;
}

/** A path that leads nowhere. */
export function noSuchPath(): StatusError {
  return new StatusError("NotFound", "the server could not find the requested resource", { details: {} });
}

export function unauthorized(): StatusError {
  return new StatusError("Unauthorized", "Unauthorized");
}

export function methodNotAllowed(): StatusError {
  return new StatusError("MethodNotAllowed", "the server does not allow this method on the requested resource", { details: {} });
}

export function notAcceptable(accepted: readonly string[]): StatusError {
  return new StatusError("NotAcceptable", `only the following media types are accepted: ${accepted.join(", ")}`);
}

export function unsupportedMediaType(accepted: readonly string[]): StatusError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`;
  return new StatusError("UnsupportedMediaType", message);
}

export function tooLarge(message: string): StatusError {
  return new StatusError("RequestEntityTooLarge", message);
}

export function tooManyRequests(message: string): StatusError {
  return new StatusError("TooManyRequests", message, { details: { retryAfterSeconds: 1 } });
}

function kindText({ group, kind }: Kind): string {
  return group === "" ? kind : `${kind}.${group}`;
}

/** `VirtualService.networking.istio.io "reviews" is invalid: spec.hosts: Required value` */
export function invalid(kind: Kind, name: string, causes: readonly StatusCause[]): StatusError {
  const said = causes.map(({ field = "", message }) => (field === "" ? message : `${field}: ${message}`));
  const list = said.length === 1 ? (said[0] ?? "") : `[${said.join(", ")}]`;
  const details = {
    ...(name === "" ? {} : { name }),
    ...(kind.group === "" ? {} : { group: kind.group }),
    kind: kind.kind,
    causes,
  };
  return new StatusError("Invalid", `${kindText(kind)} ${JSON.stringify(name)} is invalid: ${list}`, { details });
}
