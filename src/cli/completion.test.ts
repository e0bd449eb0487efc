import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Command } from "commander";
import { completions, completionScript, SHELLS } from "./completion.ts";

function program(): Command {
  const mizzen = new Command("mizzen");
  mizzen.command("up").option("-f, --filename <path>").option("--log-level <level>").option("-R, --recursive");
  mizzen.command("proxy-config").alias("pc").argument("<kind>").argument("<proxy>").option("-o, --output <format>");
  mizzen.command("completion").argument("<shell>");
  mizzen.command("data-plane", { hidden: true });
  return mizzen;
}

const mesh = { proxies: () => Promise.resolve(["reviews-v1-1.default", "ratings-v1-1.default"]) };
const complete = (...words: string[]): Promise<readonly string[]> => completions(program(), words, mesh);

describe("completion", () => {
  it("offers commands, without hidden ones", async () => {
    assert.deepEqual(await complete(""), ["completion", "help", "proxy-config", "up"]);
    assert.deepEqual(await complete("pro"), ["proxy-config"]);
    assert.deepEqual(await complete("data"), []);
  });

  it("offers options and their values", async () => {
    assert.deepEqual(await complete("up", "--"), ["--filename", "--help", "--log-level", "--recursive"]);
    assert.deepEqual(await complete("up", "--log-level", "w"), ["warn"]);
    assert.deepEqual(await complete("up", "-f", ""), [], "the shell offers files");
  });

  it("offers kinds and the proxies of the running mesh", async () => {
    assert.deepEqual(await complete("pc", "r"), ["routes"]);
    assert.deepEqual(await complete("pc", "routes", "re"), ["reviews-v1-1.default"]);
    assert.deepEqual(await complete("pc", "-o", "json", "routes", "ra"), ["ratings-v1-1.default"]);
    assert.deepEqual(await complete("pc", "routes", "reviews-v1-1", ""), []);
  });

  it("offers nothing where it knows nothing", async () => {
    assert.deepEqual(await complete("frob", ""), []);
    assert.deepEqual(await complete("up", "--", "no"), []);
    assert.deepEqual(await complete(), ["completion", "help", "proxy-config", "up"]);
  });

  it("has a script for each shell that asks mizzen", () => {
    for (const shell of SHELLS) assert.match(completionScript(shell), /mizzen complete -- /);
  });
});
