// Cases of Istio's validation tables as JSON: what stands for long strings, and what a Go nil becomes.

/** `{"$repeat": [text, n]}` and `{"$base64OfRepeat": [text, n]}` spelled out. */
export function expand(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(expand);
  if (typeof value !== "object" || value === null) return value;
  const { $repeat, $base64OfRepeat } = value as Record<string, unknown>;
  if ($repeat !== undefined) return repeated($repeat);
  if ($base64OfRepeat !== undefined) return Buffer.from(repeated($base64OfRepeat)).toString("base64");
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, expand(part)]));
}

function repeated(parts: unknown): string {
  const [text, count] = parts as [string, number];
  return text.repeat(count);
}

/** Without null items of lists: a Go nil there cannot be written in JSON that a schema lets pass. */
export function withoutNullItems(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((item) => item !== null).map(withoutNullItems);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withoutNullItems(part)]));
}
