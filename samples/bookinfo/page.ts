// The HTML of the product page. Everything that came over the network is escaped.

export interface Details {
  readonly error?: string;
  readonly author?: string;
  readonly year?: number;
  readonly type?: string;
  readonly pages?: number;
  readonly publisher?: string;
  readonly language?: string;
  readonly "ISBN-10"?: string;
  readonly "ISBN-13"?: string;
}

interface Review {
  readonly reviewer: string;
  readonly text: string;
  readonly rating?: { readonly stars?: number; readonly color?: string; readonly error?: string };
}

export interface Reviews {
  readonly error?: string;
  readonly podname?: string;
  readonly reviews?: readonly Review[];
}

interface Part<Body> {
  readonly status: number;
  readonly body: Body;
}

export interface PageInput {
  readonly product: { readonly title: string; readonly descriptionHtml: string };
  readonly user: string;
  readonly details: Part<Details>;
  readonly reviews: Part<Reviews>;
}

const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

function escape(value: string | number | undefined): string {
  return String(value ?? "").replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? "");
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2330; --soft: #5c6678; --line: #dfe3ea; --paper: #f5f7fa; --card: #fff; --accent: #2457d6; --black: #1c2330; --red: #d6293e; --bad: #a3212f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7ebf2; --soft: #9aa5b8; --line: #2c3442; --paper: #12161d; --card: #1a202a; --accent: #86a8ff; --black: #f2f4f8; --red: #ff5c6f; --bad: #ff8a95; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: .75rem; align-items: center; justify-content: space-between; padding: .9rem 1.5rem; border-bottom: 1px solid var(--line); background: var(--card); }
header a { color: inherit; font-weight: 650; text-decoration: none; }
form { display: flex; gap: .5rem; margin: 0; }
input, button { font: inherit; padding: .35rem .7rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--paper); color: inherit; }
button { background: var(--accent); border-color: var(--accent); color: var(--card); cursor: pointer; }
main { max-width: 62rem; margin: 0 auto; padding: 2rem 1.5rem 4rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .4rem; } h2 { font-size: 1.1rem; margin: 0 0 .8rem; }
.lead { color: var(--soft); margin: 0 0 2rem; max-width: 46rem; } a { color: var(--accent); }
.columns { display: grid; gap: 1.25rem; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); align-items: start; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .9rem; padding: 1.25rem 1.4rem; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .3rem 1.2rem; margin: 0; } dt { color: var(--soft); } dd { margin: 0; }
blockquote { margin: 0 0 1.2rem; padding: 0 0 1.2rem; border-bottom: 1px solid var(--line); } blockquote p { margin: 0 0 .3rem; } blockquote footer { color: var(--soft); }
.stars { letter-spacing: .12em; font-size: 1.25rem; } .stars.black { color: var(--black); } .stars.red { color: var(--red); } .stars i { color: var(--line); font-style: normal; }
.served { color: var(--soft); font-size: .9rem; margin: 0; } .served b { color: var(--ink); } .bad { color: var(--bad); font-weight: 600; }
`;

function page(title: string, header: string, main: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title><style>${STYLE}</style></head><body><header><a href="/productpage">Bookinfo Sample</a>${header}</header><main>${main}</main></body></html>
`;
}

function signIn(user: string): string {
  if (user !== "") return `<span>Signed in as <b>${escape(user)}</b> (<a href="/logout">sign out</a>)</span>`;
  return '<form method="post" action="/login"><input name="username" aria-label="User name" placeholder="User name, e.g. jason" required><button>Sign in</button></form>';
}

function failure(what: string, message: string | undefined): string {
  return `<h2 class="bad">Error fetching product ${what}!</h2><p>${escape(message)}</p>`;
}

const DETAIL_ROWS = [
  ["Type", "type"],
  ["Pages", "pages"],
  ["Publisher", "publisher"],
  ["Language", "language"],
  ["ISBN-10", "ISBN-10"],
  ["ISBN-13", "ISBN-13"],
] as const;

function detailsCard({ status, body }: Part<Details>): string {
  if (status !== 200) return failure("details", body.error);
  const author = `<dt>Author</dt><dd>${escape(body.author)}, ${escape(body.year)}</dd>`;
  const rows = DETAIL_ROWS.map(([label, name]) => `<dt>${label}</dt><dd>${escape(body[name])}</dd>`).join("");
  return `<h2>Book Details</h2><dl>${author}${rows}</dl>`;
}

function stars(rating: Review["rating"]): string {
  if (rating === undefined) return "";
  if (rating.stars === undefined) return `<p class="bad">${escape(rating.error ?? "Ratings service is currently unavailable")}</p>`;
  const count = Math.max(0, Math.min(5, Math.round(rating.stars)));
  const color = rating.color === "red" ? "red" : "black";
  return `<span class="stars ${color}" role="img" aria-label="${count} of 5 ${color} stars">${"★".repeat(count)}<i>${"★".repeat(5 - count)}</i></span>`;
}

function reviewsCard({ status, body }: Part<Reviews>): string {
  if (status !== 200) return failure("reviews", body.error);
  const items = (body.reviews ?? [])
    .map(
      (review) =>
        `<blockquote><p>“${escape(review.text)}”</p>${stars(review.rating)}<footer>${escape(review.reviewer)}</footer></blockquote>`,
    )
    .join("");
  return `<h2>Book Reviews</h2>${items}<p class="served">Reviews served by: <b>${escape(body.podname)}</b></p>`;
}

export function productPage(input: PageInput): string {
  return page(
    input.product.title,
    signIn(input.user),
    `<h1>${escape(input.product.title)}</h1><p class="lead">${input.product.descriptionHtml}</p>
<div class="columns"><section class="card">${detailsCard(input.details)}</section><section class="card">${reviewsCard(input.reviews)}</section></div>`,
  );
}

export function homePage(): string {
  const calls = ["productpage calls details and reviews", "reviews v2 and v3 call ratings", "details and ratings call nobody"];
  const list = calls.map((call) => `<li>${call}</li>`).join("");
  return page(
    "Bookinfo",
    "",
    `<h1>Bookinfo</h1><p class="lead">Four small services behind one page.</p><ul>${list}</ul><p><a href="/productpage">Open the product page</a></p>`,
  );
}
