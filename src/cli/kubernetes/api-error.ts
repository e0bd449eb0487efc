// What an API server refuses, as kubectl says it.
import { CommandError } from "#cli/command-error";

export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

/** The parts of Kubernetes' Status that a client reads. */
export interface Status {
  readonly reason?: string;
  readonly message?: string;
  readonly code?: number;
  readonly details?: { readonly name?: string; readonly kind?: string; readonly group?: string; readonly causes?: readonly StatusCause[] };
}

export class ApiError extends CommandError {
  readonly status: Status;
  readonly code: number;

  constructor(code: number, status: Status, what: string) {
    super(textOf(code, status, what));
    this.code = code;
    this.status = status;
  }

  get isNotFound(): boolean {
    return this.code === 404;
  }

  get isConflict(): boolean {
    return this.code === 409 && this.status.reason === "Conflict";
  }
}

function textOf(code: number, { reason, message }: Status, what: string): string {
  if (message === undefined) return `${what} was answered with ${code}`;
  return `Error from server (${reason ?? code}): ${message}`;
}
