// What pages there are: as text, and as the page with links and forms for a browser. No script, nothing from elsewhere.
import type { Answer, Page, PageParameter } from "./page.ts";

export type Pages = Readonly<Record<string, Page>>;

export function helpText(pages: Pages): string {
  let out = "admin commands are:\n";
  for (const [path, { method, help, parameters = [] }] of Object.entries(pages)) {
    out += `  ${path}${method === "POST" ? " (POST)" : ""}: ${help}\n`;
    for (const { name, help: what, choices = [] } of parameters)
      out += `      ${name}: ${what}${choices.length === 0 ? "" : `; One of (${choices.join(", ")})`}\n`;
  }
  return out;
}

const STYLE =
  "body{font-family:sans-serif}td,th{text-align:left;padding:4px;vertical-align:top}form{margin:0}tbody>tr:first-child>td{border-top:1px solid #ccc}";

/** `content` is HTML already. */
export function htmlPage(title: string, content: string): Answer {
  const head = `<meta charset="utf-8"><title>${htmlText(title)}</title><style>${STYLE}</style>`;
  return {
    type: "text/html; charset=UTF-8",
    body: `<!DOCTYPE html>\n<html lang="en">\n<head>${head}</head>\n<body>\n${content}</body>\n</html>\n`,
  };
}

export function homePage(pages: Pages): Answer {
  const rows = Object.entries(pages)
    .filter(([path]) => path !== "/")
    .map(([path, page]) => commandRows(path.slice(1), page));
  return htmlPage("Envoy Admin", `<table>\n<thead><tr><th>Command</th><th>Description</th></tr></thead>\n${rows.join("")}</table>\n`);
}

function commandRows(name: string, { method, help, parameters = [] }: Page): string {
  const form = `form-${name.replaceAll("/", "-")}`;
  const plain = method === "GET" && parameters.length === 0;
  const command = plain
    ? `<a href="${name}">${name}</a>`
    : `<form action="${name}" method="${method.toLowerCase()}" id="${form}"><button>${name}</button></form>`;
  let out = `<tbody>\n<tr><td>${command}</td><td>${htmlText(help)}</td></tr>\n`;
  for (const parameter of parameters)
    out += `<tr><td>${input(form, parameter)}</td><td><label for="${form}-${parameter.name}">${htmlText(parameter.help)}</label></td></tr>\n`;
  return `${out}</tbody>\n`;
}

function input(form: string, { name, choices }: PageParameter): string {
  const common = `name="${name}" id="${form}-${name}" form="${form}"`;
  if (choices === undefined) return `<input type="text" ${common}>`;
  if (choices.length === 0) return `<input type="checkbox" ${common}>`;
  return `<select ${common}>${choices.map((choice) => `<option>${htmlText(choice)}</option>`).join("")}</select>`;
}

export function htmlText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
