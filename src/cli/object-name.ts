// Names of objects as people type them: `VirtualService/reviews`, `virtualservice reviews.default`, `vs/reviews`.
import type { ObjectKey } from "#api/finding";
import { CommandError } from "./command-error.ts";

/** kubectl's short names of the kinds that people wait for most. */
const SHORT_NAMES: Readonly<Record<string, string>> = {
  vs: "VirtualService",
  dr: "DestinationRule",
  gw: "Gateway",
  se: "ServiceEntry",
  we: "WorkloadEntry",
  wg: "WorkloadGroup",
  svc: "Service",
  ep: "Endpoints",
};

/** `kinds`: all that there are. @throws CommandError naming what was expected */
export function parseObjectName(words: readonly string[], namespace: string | undefined, kinds: readonly string[]): ObjectKey {
  const [first = "", second] = words;
  const slash = first.indexOf("/");
  const [kindWord, nameWord] = second === undefined && slash > 0 ? [first.slice(0, slash), first.slice(slash + 1)] : [first, second ?? ""];
  if (kindWord === "" || nameWord === "" || words.length > 2) {
    throw new CommandError(`${JSON.stringify(words.join(" "))} names no object; write it as VirtualService/reviews`, 2);
  }
  const lower = kindWord.toLowerCase();
  const kind =
    SHORT_NAMES[lower] ??
    kinds.find((candidate) => [candidate.toLowerCase(), `${candidate.toLowerCase()}s`].includes(lower)) ??
    kinds.find((candidate) => `${candidate.toLowerCase().replace(/y$/u, "ie")}s` === lower);
  if (kind === undefined) throw new CommandError(`there is no kind ${JSON.stringify(kindWord)}; there are ${kinds.join(", ")}`, 2);
  // istioctl writes name.namespace. A name may hold dots itself where the namespace is given.
  const dot = nameWord.lastIndexOf(".");
  if (namespace === undefined && dot > 0) return { kind, namespace: nameWord.slice(dot + 1), name: nameWord.slice(0, dot) };
  return { kind, namespace: namespace ?? "default", name: nameWord };
}
