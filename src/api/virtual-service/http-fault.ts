// Faults that a route injects on purpose.
import { duration, field, int32, later, message, number, string, type Decoded } from "#api/declaration";

export const percent = message("Percent", { value: field(number, "0 to 100, fractions allowed") });
export type Percent = Decoded<typeof percent>;

const httpFaultDelay = message(
  "Delay",
  {
    percent: field(int32, "Share of the requests in whole percent; percentage replaces it"),
    fixedDelay: field(duration, "How long a request is held"),
    exponentialDelay: later(duration, "The mean of a random delay"),
    percentage: field(percent, "Share of the requests that are delayed"),
  },
  [["fixedDelay", "exponentialDelay"]],
);
export type HTTPFaultDelay = Decoded<typeof httpFaultDelay>;

const httpFaultAbort = message(
  "Abort",
  {
    httpStatus: field(int32, "The HTTP status that the caller gets"),
    grpcStatus: field(string, "The gRPC status that the caller gets, by name or number"),
    http2Error: later(string, "The HTTP/2 error that the stream ends with"),
    percentage: field(percent, "Share of the requests that are aborted"),
  },
  [["httpStatus", "grpcStatus", "http2Error"]],
);
export type HTTPFaultAbort = Decoded<typeof httpFaultAbort>;

export const httpFaultInjection = message("HTTPFaultInjection", {
  delay: field(httpFaultDelay, "Hold requests before they go on"),
  abort: field(httpFaultAbort, "Answer requests with an error in place of the destination"),
});
export type HTTPFaultInjection = Decoded<typeof httpFaultInjection>;
