// What a command operator is.
import type { StreamInfo } from "#proxy/http/stream-info";

export type OperatorValue = string | number | undefined;

/** Answers one question about a stream; undefined: nothing known. */
export type Operator = (info: StreamInfo) => OperatorValue;
