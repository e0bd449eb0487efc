// A small configuration language for the tests of this folder: documents are lines `Kind namespace/name value`, separated by
// `---`; `!` as the value is a document with an error, `?` alone one that cannot say its name, `#` begins a comment.
import { createHash } from "node:crypto";
import { keyString } from "#api/object";
import type { SourceDocument } from "./document.ts";
import type { ConfigStore } from "./store.ts";

export function parseTestFile(text: string, file: string): readonly SourceDocument[] {
  const documents: SourceDocument[] = [];
  let line = 1;
  for (const part of text.split("---\n")) {
    const startLine = line;
    line += part.split("\n").length;
    const content = part.replace(/#.*\n/g, "").trim();
    const hash = createHash("sha256").update(part).digest("hex");
    if (content === "") continue;
    const place = { file, line: startLine, column: 1 };
    const [kind = "", fullName = "", value] = content.split(" ");
    if (kind === "?") {
      documents.push({ findings: [{ level: "error", code: "MZ0001", message: "cannot be read", place }], hash, startLine });
      continue;
    }
    const [namespace = "", name = ""] = fullName.split("/");
    const key = { kind, namespace, name };
    if (value === "!") {
      documents.push({ key, findings: [{ level: "error", code: "MZ0002", message: "is wrong", object: key, place }], hash, startLine });
      continue;
    }
    const metadata = { name, namespace, labels: {}, annotations: {} };
    documents.push({ key, object: { apiVersion: "v1", kind, metadata, spec: { value } }, findings: [], hash, startLine });
  }
  return documents;
}

/** What is live: `Kind|namespace|name=value`, in the order of the set. */
export function live(store: ConfigStore, kind = "A"): readonly string[] {
  return store.objects
    .list<{ readonly value: string }>(kind)
    .map(({ metadata, spec }) => `${keyString({ kind, namespace: metadata.namespace, name: metadata.name })}=${spec.value}`);
}
