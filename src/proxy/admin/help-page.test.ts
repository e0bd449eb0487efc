import assert from "node:assert/strict";
import { test } from "node:test";
import { helpText, homePage } from "./help-page.ts";
import type { Pages } from "./help-page.ts";

const answer = () => ({ body: "" });
const pages: Pages = {
  "/": { method: "GET", help: "home", answer },
  "/plain": { method: "GET", help: "a <b>", answer },
  "/order/now": {
    method: "POST",
    help: "does it",
    parameters: [
      { name: "how", help: "in which way", choices: ["x", "y"] },
      { name: "soon", help: "at once", choices: [] },
      { name: "text", help: "any" },
    ],
    answer,
  },
};

test("the help names every command with what it takes", () => {
  assert.equal(
    helpText(pages),
    "admin commands are:\n  /: home\n  /plain: a <b>\n  /order/now (POST): does it\n" +
      "      how: in which way; One of (x, y)\n      soon: at once\n      text: any\n",
  );
});

test("the home page links what only shows, and has a form with its fields for all else", () => {
  const { type, body } = homePage(pages);
  assert.equal(type, "text/html; charset=UTF-8");
  assert.ok(body.includes('<a href="plain">plain</a></td><td>a &lt;b&gt;'));
  assert.ok(body.includes('<form action="order/now" method="post" id="form-order-now"><button>order/now</button></form>'));
  assert.ok(
    body.includes('<select name="how" id="form-order-now-how" form="form-order-now"><option>x</option><option>y</option></select>'),
  );
  assert.ok(body.includes('<input type="checkbox" name="soon"'));
  assert.ok(body.includes('<input type="text" name="text"'));
});
