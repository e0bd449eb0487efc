// What analysis says of objects before they are stored: references that lead nowhere, rules that hide each other.
import type { Finding } from "#api/finding";
import type { JsonObject } from "#control-plane/api-server/json";

/** Findings about these objects, in the mesh as it is now with them in it. */
export type ObjectReview = (objects: readonly JsonObject[]) => readonly Finding[];
