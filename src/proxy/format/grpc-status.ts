// %GRPC_STATUS(FORM)% and %GRPC_STATUS_NUMBER%.
import { grpcStatusOf, hasGrpcContentType } from "#proxy/http/grpc";
import type { StreamInfo } from "#proxy/http/stream-info";
import type { Operator } from "./operator.ts";

const NAMES: readonly (readonly [camel: string, snake: string])[] = [
  ["OK", "OK"],
  ["Canceled", "CANCELLED"],
  ["Unknown", "UNKNOWN"],
  ["InvalidArgument", "INVALID_ARGUMENT"],
  ["DeadlineExceeded", "DEADLINE_EXCEEDED"],
  ["NotFound", "NOT_FOUND"],
  ["AlreadyExists", "ALREADY_EXISTS"],
  ["PermissionDenied", "PERMISSION_DENIED"],
  ["ResourceExhausted", "RESOURCE_EXHAUSTED"],
  ["FailedPrecondition", "FAILED_PRECONDITION"],
  ["Aborted", "ABORTED"],
  ["OutOfRange", "OUT_OF_RANGE"],
  ["Unimplemented", "UNIMPLEMENTED"],
  ["Internal", "INTERNAL"],
  ["Unavailable", "UNAVAILABLE"],
  ["DataLoss", "DATA_LOSS"],
  ["Unauthenticated", "UNAUTHENTICATED"],
];

/** Of gRPC requests alone, as in Envoy; where the answer does not say it, it is what its HTTP status means to gRPC. */
export function grpcStatus(info: StreamInfo): number | undefined {
  const request = info.requestHeaders;
  if (request === undefined || !hasGrpcContentType(request)) return undefined;
  const text = info.responseTrailers?.get("grpc-status") ?? info.responseHeaders?.get("grpc-status");
  if (text !== undefined && /^\d{1,3}$/.test(text)) return Number(text);
  return info.responseCode === 0 ? undefined : grpcStatusOf(info.responseCode);
}

/** @throws Error naming a form that is none */
export function grpcStatusOperator(form: string | undefined): Operator {
  if (form === "NUMBER") return grpcStatus;
  if (form !== undefined && form !== "CAMEL_STRING" && form !== "SNAKE_STRING")
    throw new Error(`%GRPC_STATUS(${form})% is not known: CAMEL_STRING, SNAKE_STRING and NUMBER are`);
  const at = form === "SNAKE_STRING" ? 1 : 0;
  return (info) => {
    const status = grpcStatus(info);
    return status === undefined ? undefined : (NAMES[status]?.[at] ?? String(status));
  };
}
