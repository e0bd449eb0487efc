// Reviews: v1 knows no stars, v2 shows black ones and v3 red ones, both from the ratings service.
import { forwardedHeaders, getJson, productId, sendJson, serve } from "./service.ts";

const version = process.env["SERVICE_VERSION"] ?? "v1";
const starColor = version === "v3" ? "red" : "black";
// The fault injection task turns on these limits: v2 waits long enough for a delay of 7 s, v3 does not.
const timeoutMs = version === "v3" ? 2_500 : 10_000;

const TEXTS = [
  {
    reviewer: "Reviewer1",
    text: "Two pairs of twins, one confused town: I laughed from the first scene to the last.",
  },
  {
    reviewer: "Reviewer2",
    text: "Good company for an evening. Whoever looks for the depth of the later plays will not find it here.",
  },
] as const;

serve(`reviews ${version}`, async (request, response, path) => {
  if (!path.startsWith("/reviews/")) return sendJson(response, 404, { error: "not found" });
  const id = productId(path);
  if (id === undefined) return sendJson(response, 400, { error: "please provide numeric product id" });
  const answer = { id: String(id), podname: process.env["MIZZEN_INSTANCE"] ?? `reviews-${version}`, clustername: "null" };
  if (version === "v1") return sendJson(response, 200, { ...answer, reviews: TEXTS });

  const ratings = await getJson(`http://ratings:9080/ratings/${id}`, forwardedHeaders(request), timeoutMs);
  const stars = (ratings.body as { ratings?: Record<string, number> } | undefined)?.ratings;
  sendJson(response, 200, {
    ...answer,
    reviews: TEXTS.map((review) => ({
      ...review,
      rating:
        stars === undefined
          ? { error: "Ratings service is currently unavailable" }
          : { stars: stars[review.reviewer] ?? -1, color: starColor },
    })),
  });
});
