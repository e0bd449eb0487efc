// A JSON Web Key Set as it is written in place (RFC 7517): whether it can be read, and whether it tells secrets.

export interface ReadJwks {
  readonly fault: string | undefined;
  /** Indexes of keys with private parts. */
  readonly secretKeys: readonly number[];
}

/** What a key of a type (kty) must have (RFC 7518 section 6), and which of its members are secret. */
const keyTypes: Readonly<Record<string, { readonly needs: readonly string[]; readonly secret: string }>> = {
  RSA: { needs: ["n", "e"], secret: "d" },
  EC: { needs: ["crv", "x", "y"], secret: "d" },
  OKP: { needs: ["crv", "x"], secret: "d" },
  oct: { needs: ["k"], secret: "k" },
};

export function readJwks(text: string): ReadJwks {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { fault: "is no JSON", secretKeys: [] };
  }
  if (!isObject(value)) return { fault: "is no JSON object", secretKeys: [] };
  // One key in place of a set is understood, too.
  const keys = "keys" in value ? value["keys"] : [value];
  if (!Array.isArray(keys)) return { fault: "keys must be a list", secretKeys: [] };
  const secretKeys: number[] = [];
  for (const [index, key] of keys.entries()) {
    if (!isObject(key)) return { fault: `key ${index} is no object`, secretKeys };
    const type = typeof key["kty"] === "string" && Object.hasOwn(keyTypes, key["kty"]) ? keyTypes[key["kty"]] : undefined;
    if (type === undefined) return { fault: `key ${index} has no known type (kty): RSA, EC, OKP or oct`, secretKeys };
    const missing = type.needs.find((name) => typeof key[name] !== "string");
    if (missing !== undefined) return { fault: `key ${index} has no ${JSON.stringify(missing)}`, secretKeys };
    if (key[type.secret] !== undefined) secretKeys.push(index);
  }
  return { fault: undefined, secretKeys };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
