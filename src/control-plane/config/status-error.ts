// Kubernetes' Status: how every refusal of the store and of the API reaches a client. Messages are Kubernetes' own, which people and
// scripts know; an object in them is named as Kubernetes names it.

/** Kubernetes' reasons and the HTTP code of each. */
const CODES = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Expired: 410,
  Gone: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
} as const;

export type StatusReason = keyof typeof CODES;

export interface StatusCause {
  readonly reason?: string;
  readonly message: string;
  readonly field?: string;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  /** Kubernetes writes the resource here, the kind only for invalid objects. */
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

export interface Status {
  readonly kind: "Status";
  readonly apiVersion: "v1";
  readonly metadata: { readonly continue?: string };
  readonly status: "Failure";
  readonly message: string;
  readonly reason: StatusReason;
  readonly details?: StatusDetails;
  readonly code: number;
}

interface Named {
  readonly group: string;
  readonly resource: string;
  readonly name: string;
}

interface StatusOptions {
  readonly details?: StatusDetails | undefined;
  readonly continue?: string | undefined;
  readonly cause?: unknown;
}

function detailsOf({ group, resource, name }: Named): StatusDetails {
  return { ...(name === "" ? {} : { name }), ...(group === "" ? {} : { group }), kind: resource };
}

function subject({ group, resource, name }: Named): string {
  return `${group === "" ? resource : `${resource}.${group}`} ${JSON.stringify(name)}`;
}

function knownReason(reason: string): StatusReason | undefined {
  return Object.hasOwn(CODES, reason) ? (reason as StatusReason) : undefined;
}

function reasonOfCode(code: number): StatusReason {
  const found = Object.entries(CODES).find(([, known]) => known === code);
  return found === undefined ? "InternalError" : (found[0] as StatusReason);
}

export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly status: Status;

  constructor(reason: StatusReason, message: string, options: StatusOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.status = {
      kind: "Status",
      apiVersion: "v1",
      metadata: options.continue === undefined ? {} : { continue: options.continue },
      status: "Failure",
      message,
      reason,
      ...(options.details === undefined ? {} : { details: options.details }),
      code: CODES[reason],
    };
  }

  /** What a server answered. */
  static of(code: number, answer: Partial<Omit<Status, "reason">> & { readonly reason?: string | undefined }): StatusError {
    const { message = `the server answered ${code}`, details, metadata, reason = "" } = answer;
    return new StatusError(knownReason(reason) ?? reasonOfCode(code), message, { details, continue: metadata?.continue });
  }

  get reason(): StatusReason {
    return this.status.reason;
  }

  static notFound(name: Named): StatusError {
    return new StatusError("NotFound", `${subject(name)} not found`, { details: detailsOf(name) });
  }

  static alreadyExists(name: Named): StatusError {
    return new StatusError("AlreadyExists", `${subject(name)} already exists`, { details: detailsOf(name) });
  }

  static conflict(name: Named, why: string): StatusError {
    return new StatusError("Conflict", `Operation cannot be fulfilled on ${subject(name)}: ${why}`, { details: detailsOf(name) });
  }

  static modified(name: Named): StatusError {
    return StatusError.conflict(name, "the object has been modified; please apply your changes to the latest version and try again");
  }

  static forbidden(name: Named, why: string, causes?: readonly StatusCause[]): StatusError {
    const details = { ...detailsOf(name), ...(causes === undefined ? {} : { causes }) };
    return new StatusError("Forbidden", `${subject(name)} is forbidden: ${why}`, { details });
  }

  static badRequest(message: string): StatusError {
    return new StatusError("BadRequest", message);
  }

  static expired(message: string, continueToken?: string): StatusError {
    return new StatusError("Expired", message, { continue: continueToken });
  }

  /** `retryAfterSeconds` is what clients obey. */
  static unavailable(message: string, cause?: unknown): StatusError {
    return new StatusError("ServiceUnavailable", message, { details: { retryAfterSeconds: 1 }, cause });
  }

  static tooLargeVersion(asked: number, current: number): StatusError {
    return new StatusError("Timeout", `Too large resource version: ${asked}, current: ${current}`, {
      details: { causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }], retryAfterSeconds: 1 },
    });
  }
}
