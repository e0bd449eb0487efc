// The product page: asks details and reviews, and shows both. Signing in sets a cookie; from then on calls carry the header
// `end-user`, which routing rules can match.
import type { IncomingMessage, ServerResponse } from "node:http";
import { homePage, productPage } from "./page.ts";
import type { Details, Reviews } from "./page.ts";
import { forwardedHeaders, getJson, sendJson, sendText, serve } from "./service.ts";
import type { Answer } from "./service.ts";

const TIMEOUT_MS = 3_000;
const MAX_FORM_BYTES = 4096;

const PRODUCTS = [
  {
    id: 0,
    title: "The Comedy of Errors",
    descriptionHtml:
      '<a href="https://en.wikipedia.org/wiki/The_Comedy_of_Errors">Wikipedia</a>: one of Shakespeare\'s early plays, his shortest, and a farce ' +
      "of two pairs of twins who are taken for each other.",
  },
] as const;

function userOf(request: IncomingMessage): string {
  const cookie = /(?:^|;\s*)session=([^;]*)/.exec(request.headers.cookie ?? "");
  try {
    return cookie === null ? "" : decodeURIComponent(cookie[1] ?? "");
  } catch {
    return ""; // a cookie that somebody else wrote
  }
}

function headersFor(request: IncomingMessage): Record<string, string> {
  const headers = forwardedHeaders(request);
  delete headers["cookie"];
  delete headers["end-user"];
  const user = userOf(request);
  if (user !== "") headers["end-user"] = user;
  return headers;
}

function orError(answer: Answer, what: string): Answer {
  if (answer.status === 200) return answer;
  return { status: answer.status, body: { error: `Sorry, product ${what} are currently unavailable for this book.` } };
}

async function getDetails(id: number, headers: Record<string, string>): Promise<Answer> {
  return orError(await getJson(`http://details:9080/details/${id}`, headers, TIMEOUT_MS), "details");
}

// Tries twice on purpose: together with the 10 s that reviews v2 waits for ratings it is the bug that the fault injection task finds.
async function getReviews(id: number, headers: Record<string, string>): Promise<Answer> {
  let answer: Answer = { status: 500, body: undefined };
  for (let attempt = 0; attempt < 2; attempt++) {
    answer = await getJson(`http://reviews:9080/reviews/${id}`, headers, TIMEOUT_MS);
    if (answer.status === 200) break;
  }
  return orError(answer, "reviews");
}

async function getRatings(id: number, headers: Record<string, string>): Promise<Answer> {
  return orError(await getJson(`http://ratings:9080/ratings/${id}`, headers, TIMEOUT_MS), "ratings");
}

async function readUsername(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > MAX_FORM_BYTES) break;
  }
  const name = new URLSearchParams(text).get("username") ?? "";
  return name.replaceAll(/[^\w.@-]/g, "").slice(0, 64);
}

function redirect(response: ServerResponse, cookie: string): void {
  response.writeHead(302, { location: "/productpage", "set-cookie": `${cookie}; Path=/; HttpOnly; SameSite=Lax`, "content-length": 0 });
  response.end();
}

async function api(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
  const [id, what, ...rest] = path.slice("/api/v1/products".length).split("/").slice(1);
  if (id === undefined || id === "") return sendJson(response, 200, PRODUCTS);
  if (!/^\d{1,9}$/.test(id) || rest.length > 0) return sendJson(response, 404, { error: "not found" });
  const headers = headersFor(request);
  let answer: Answer;
  if (what === undefined) answer = await getDetails(Number(id), headers);
  else if (what === "reviews") answer = await getReviews(Number(id), headers);
  else if (what === "ratings") answer = await getRatings(Number(id), headers);
  else return sendJson(response, 404, { error: "not found" });
  sendJson(response, answer.status, answer.body);
}

serve("productpage", async (request, response, path) => {
  if (path === "/" || path === "/index.html") return sendText(response, 200, homePage(), "text/html; charset=utf-8");
  if (path === "/productpage") {
    const headers = headersFor(request);
    const [details, reviews] = await Promise.all([getDetails(0, headers), getReviews(0, headers)]);
    const html = productPage({
      product: PRODUCTS[0],
      user: userOf(request),
      details: { status: details.status, body: details.body as Details },
      reviews: { status: reviews.status, body: reviews.body as Reviews },
    });
    return sendText(response, 200, html, "text/html; charset=utf-8");
  }
  if (path === "/login" && request.method === "POST") {
    return redirect(response, `session=${encodeURIComponent(await readUsername(request))}`);
  }
  if (path === "/logout") return redirect(response, "session=; Max-Age=0");
  if (path === "/api/v1/products" || path.startsWith("/api/v1/products/")) return api(request, response, path);
  sendJson(response, 404, { error: "not found" });
});
