import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Command } from "commander";
import { completions, completionScript, SHELLS } from "./completion.ts";

function program(): Command {
  const mizzen = new Command("mizzen");
  mizzen.command("up").option("-f, --filename <path>").option("--log-level <level>").option("-R, --recursive");
  mizzen.command("proxy-config").alias("pc").argument("<kind>").argument("<proxy>").option("-o, --output <format>", "table, json or yaml");
  mizzen
    .command("analyze")
    .option("--output-threshold <level>", "findings from this level on are shown: Info, Warning or Error")
    .option("-o, --output <format>", "log, json or yaml")
    .option("--analyzer <name>", "run this analyzer only");
  mizzen
    .command("get")
    .argument("[kind...]")
    .option("-n, --namespace <name>", "the namespace")
    .option("--context <name>", "the context")
    .option("-w, --watch", "go on");
  mizzen.command("crds").argument("[kinds...]");
  mizzen.command("schema").argument("[kind]");
  mizzen.command("completion").argument("<shell>");
  mizzen.command("data-plane", { hidden: true });
  return mizzen;
}

const known = {
  proxies: () => Promise.resolve(["reviews-v1-1.default", "ratings-v1-1.default"]),
  analyzers: () => Promise.resolve(["gateway.SecretAnalyzer", "webhook.Analyzer"]),
  kinds: () => Promise.resolve(["Gateway", "Service"]),
  customKinds: () => Promise.resolve(["Gateway", "Sidecar"]),
  server: ({ context = "mesh", namespace = "default" }) => ({
    contexts: () => Promise.resolve(["east", "west"]),
    namespaces: () => Promise.resolve([`of-${context}`]),
    resources: () => Promise.resolve(["services", "virtualservices", "vs"]),
    names: (resource: string) => Promise.resolve([`${resource}-in-${namespace}-of-${context}`, "reviews"]),
  }),
};
const complete = (...words: string[]): Promise<readonly string[]> => completions(program(), words, known);

describe("completion", () => {
  it("offers commands, without hidden ones", async () => {
    assert.deepEqual(await complete(""), ["analyze", "completion", "crds", "get", "help", "proxy-config", "schema", "up"]);
    assert.deepEqual(await complete("pro"), ["proxy-config"]);
    assert.deepEqual(await complete("data"), []);
  });

  it("offers options and their values", async () => {
    assert.deepEqual(await complete("up", "--"), ["--filename", "--help", "--log-level", "--recursive"]);
    assert.deepEqual(await complete("up", "--log-level", "w"), ["warn"]);
    assert.deepEqual(await complete("up", "-f", ""), [], "the shell offers files");
  });

  it("offers the values that an option's description lists", async () => {
    assert.deepEqual(await complete("analyze", "-o", ""), ["json", "log", "yaml"]);
    assert.deepEqual(await complete("pc", "-o", "t"), ["table"]);
    assert.deepEqual(await complete("analyze", "--output-threshold", "W"), ["Warning"]);
  });

  it("offers analyzers and kinds", async () => {
    assert.deepEqual(await complete("analyze", "--analyzer", "web"), ["webhook.Analyzer"]);
    assert.deepEqual(await complete("crds", "Gateway", ""), ["Sidecar"]);
    assert.deepEqual(await complete("schema", "S"), ["Service"]);
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
    assert.deepEqual(await complete(), ["analyze", "completion", "crds", "get", "help", "proxy-config", "schema", "up"]);
  });

  it("has a script for each shell that asks mizzen", () => {
    for (const shell of SHELLS) assert.match(completionScript(shell), /mizzen complete -- /);
  });

  it("offers kinds and objects of the server that the line names", async () => {
    assert.deepEqual(await complete("get", "v"), ["virtualservices", "vs"]);
    assert.deepEqual(await complete("get", "vs", ""), ["reviews", "vs-in-default-of-mesh"]);
    assert.deepEqual(await complete("get", "vs", "reviews", "r"), [], "it is there already");
    assert.deepEqual(await complete("get", "-n", "shop", "--context=east", "vs/v"), ["vs/vs-in-shop-of-east"]);
    assert.deepEqual(await complete("get", "--context", ""), ["east", "west"]);
    assert.deepEqual(await complete("get", "--context", "east", "-n", ""), ["of-east"]);
  });
});
