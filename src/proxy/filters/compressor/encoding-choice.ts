// Which compressor of a chain a client's Accept-Encoding chooses: one decision a response, for all of them.

export interface Candidate {
  readonly encoding: string;
  /** Lower case; of responses of another type the candidate is left out. */
  readonly contentTypes: ReadonlySet<string>;
  readonly chooseFirst: boolean;
}

export interface EncodingChoice {
  readonly encoding: string;
  readonly reason: "compressor" | "identity" | "wildcard" | "not-valid";
}

const NOT_VALID: EncodingChoice = { encoding: "identity", reason: "not-valid" };

interface Accepted {
  readonly encoding: string;
  readonly q: number;
}

/** `contentType` without parameters, lower case; "": none. As Envoy: of equals the first in the header wins, unless a later one has choose_first. */
export function chooseEncoding(acceptEncoding: string, contentType: string, candidates: readonly Candidate[]): EncodingChoice {
  const allowed = new Map<string, Candidate>();
  for (const candidate of candidates) {
    if (contentType !== "" && !candidate.contentTypes.has(contentType)) continue;
    if (!allowed.has(candidate.encoding)) allowed.set(candidate.encoding, candidate);
  }
  const accepted = acceptEncoding.split(",").flatMap(parse);
  for (const { encoding, q } of accepted) if (q === 0) allowed.delete(encoding);
  if (accepted.length === 0 || allowed.size === 0) return NOT_VALID;
  let choice: Accepted = { encoding: "identity", q: 0 };
  for (const one of accepted) {
    if (one.encoding !== "identity" && one.encoding !== "*" && !allowed.has(one.encoding)) continue;
    if (one.q > choice.q || (one.q === choice.q && allowed.get(one.encoding)?.chooseFirst === true)) choice = one;
  }
  if (choice.q === 0) return NOT_VALID;
  if (choice.encoding === "identity") return { encoding: "identity", reason: "identity" };
  if (choice.encoding === "*") return { encoding: [...allowed.keys()][0] ?? "identity", reason: "wildcard" };
  return { encoding: choice.encoding, reason: "compressor" };
}

function parse(token: string): Accepted[] {
  const [name = "", parameter] = token.split(";");
  const encoding = name.trim();
  if (encoding === "") return [];
  const equals = parameter?.indexOf("=") ?? -1;
  if (parameter === undefined || equals < 0 || parameter.slice(0, equals).trim().toLowerCase() !== "q") return [{ encoding, q: 1 }];
  const text = parameter.slice(equals + 1).trim();
  return /^\d*\.?\d+$|^\d+\.$/.test(text) ? [{ encoding, q: Number(text) }] : [];
}
