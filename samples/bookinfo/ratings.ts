// Ratings: stars by reviewer. POST /ratings/0 {"Reviewer1": 3} changes them until the program ends.
import type { IncomingMessage } from "node:http";
import { productId, sendJson, serve } from "./service.ts";

const MAX_BODY_BYTES = 64 * 1024;
const MAX_PRODUCTS = 1000;
const changed = new Map<number, Record<string, number>>();

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parseRatings(text: string): Record<string, number> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    const entries = Object.entries(value);
    return entries.every(([, stars]) => typeof stars === "number") ? (value as Record<string, number>) : undefined;
  } catch {
    return undefined; // not JSON: the caller answers 400
  }
}

serve("ratings", async (request, response, path) => {
  if (!path.startsWith("/ratings/")) return sendJson(response, 404, { error: "not found" });
  const id = productId(path);
  if (id === undefined) return sendJson(response, 400, { error: "please provide numeric product ID" });
  if (request.method === "POST") {
    const text = await readBody(request);
    if (text === undefined) return sendJson(response, 413, { error: "the body is too large" });
    const ratings = parseRatings(text);
    if (ratings === undefined) return sendJson(response, 400, { error: "please provide valid ratings JSON" });
    if (changed.size >= MAX_PRODUCTS && !changed.has(id)) return sendJson(response, 507, { error: "too many products" });
    changed.set(id, ratings);
  }
  sendJson(response, 200, { id, ratings: changed.get(id) ?? { Reviewer1: 5, Reviewer2: 4 } });
});
