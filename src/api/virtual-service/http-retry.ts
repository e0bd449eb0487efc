// When and how often a failed request is tried again.
import { bool, duration, field, int32, message, string, wrapped, type Decoded } from "#api/declaration";

export const httpRetry = message("HTTPRetry", {
  attempts: field(int32, "How often a request is tried again at most; 0 turns retries off"),
  perTryTimeout: field(duration, "The time each attempt has, the first one included"),
  retryOn: field(string, "Conditions for another attempt, with commas between; names as Envoy has them, or status codes"),
  retryRemoteLocalities: field(wrapped(bool), "Whether another attempt may go to another locality"),
  retryIgnorePreviousHosts: field(wrapped(bool), "Whether another attempt avoids the hosts that were tried"),
  backoff: field(duration, "The shortest pause between attempts"),
});
export type HTTPRetry = Decoded<typeof httpRetry>;
