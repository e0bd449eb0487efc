// Operating system errors as TransportFailure. Nothing above net/ sees an errno name.
import type { TransportFailure } from "./connection.ts";

// strerror(3) of the errors that people meet: Envoy prints these texts in its transport failure reasons.
const MEANING: Readonly<Record<string, string>> = {
  ECONNREFUSED: "Connection refused",
  ECONNRESET: "Connection reset by peer",
  EPIPE: "Broken pipe",
  ETIMEDOUT: "Connection timed out",
  EHOSTUNREACH: "No route to host",
  ENETUNREACH: "Network is unreachable",
  EADDRNOTAVAIL: "Cannot assign requested address",
  EADDRINUSE: "Address already in use",
  ENOENT: "No such file or directory",
  EACCES: "Permission denied",
  EPERM: "Operation not permitted",
  EMFILE: "Too many open files",
  ENFILE: "Too many open files in system",
  ENOPROTOOPT: "Protocol not available",
  EINVAL: "Invalid argument",
  EAFNOSUPPORT: "Address family not supported by protocol",
};

function codeOf(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? "";
}

/** What an errno name means, in the words of the C library. */
export function meaningOf(code: string): string {
  return MEANING[code] ?? code;
}

/** A connect that did not get through. */
export function connectFailure(error: Error): TransportFailure {
  const code = codeOf(error);
  const detail = `delayed connect error: ${MEANING[code] ?? error.message}`;
  if (code === "ECONNREFUSED") return { kind: "connect-refused", detail };
  if (code === "ETIMEDOUT") return { kind: "connect-timeout", detail };
  return { kind: "connect-failed", detail };
}

/** An error on a connection that stood. */
export function brokenConnection(error: Error): TransportFailure {
  const code = codeOf(error);
  const kind = code === "ECONNRESET" || code === "EPIPE" ? "reset" : "io-error";
  return { kind, detail: MEANING[code] ?? error.message };
}
