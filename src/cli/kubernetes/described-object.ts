// An object as kubectl describes one of a kind that it does not know: every field, titled, and the events. Pure.
import { LAST_APPLIED } from "#control-plane/config/stored-object";
import { ageOf } from "#control-plane/api-server/table/human-duration";
import { table } from "#cli/table";
import type { KubernetesObject } from "./objects.ts";

export interface Event {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly count?: number;
  readonly firstTimestamp?: string | null;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
  readonly source?: { readonly component?: string };
  readonly reportingComponent?: string;
}

/** Shown in lines of their own, or of no use to who reads. */
const LEFT_OUT = ["managedFields", "name", "namespace", "labels", "annotations"];

interface Line {
  readonly depth: number;
  readonly name: string;
  readonly value: string | undefined;
}

export function describedText(
  object: KubernetesObject,
  /** undefined: not shown, as of several objects. */
  events: readonly Event[] | undefined,
  nowMs: number,
  more: readonly (readonly [string, string])[],
): string {
  const { apiVersion, kind, metadata, ...rest } = object;
  const fields = Object.fromEntries(Object.entries(metadata).filter(([name]) => !LEFT_OUT.includes(name)));
  const lines: Line[] = [
    { depth: 0, name: "Name", value: metadata.name },
    { depth: 0, name: "Namespace", value: metadata.namespace ?? "" },
    ...pairs("Labels", metadata.labels, "="),
    ...pairs("Annotations", metadata.annotations, ": "),
    { depth: 0, name: "API Version", value: apiVersion },
    { depth: 0, name: "Kind", value: kind },
    ...fieldLines({ metadata: fields, ...rest }, 0),
    ...more.map(([name, value]) => ({ depth: 0, name, value })),
  ];
  if (events === undefined) return aligned(lines);
  if (events.length === 0) return aligned([...lines, { depth: 0, name: "Events", value: "<none>" }]);
  return `${aligned(lines)}Events:\n${indented(eventTable(events, nowMs))}`;
}

function pairs(name: string, values: Readonly<Record<string, string>> | undefined, separator: string): readonly Line[] {
  const entries = Object.entries(values ?? {})
    // The whole object once more; kubectl does not show it, either.
    .filter(([key]) => key !== LAST_APPLIED)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 0) return [{ depth: 0, name, value: "<none>" }];
  return entries.map(([key, value], index) => ({ depth: 0, name: index === 0 ? name : "", value: `${key}${separator}${value}` }));
}

function fieldLines(value: object, depth: number): readonly Line[] {
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return entries.flatMap(([name, inner]): readonly Line[] => {
    const head = title(name);
    if (Array.isArray(inner)) return [section(depth, head), ...inner.flatMap((item) => itemLines(item, depth + 1))];
    if (typeof inner === "object" && inner !== null) return [section(depth, head), ...fieldLines(inner as object, depth + 1)];
    return [{ depth, name: head, value: String(inner) }];
  });
}

/** A line without a value: what is below it stands for itself. */
function section(depth: number, name: string): Line {
  return { depth, name: `${name}:`, value: undefined };
}

function itemLines(item: unknown, depth: number): readonly Line[] {
  if (typeof item === "object" && item !== null) return fieldLines(item, depth);
  return [{ depth, name: String(item), value: undefined }];
}

/** `creationTimestamp` is `Creation Timestamp`, `uid` is `UID`; an upper case run stays one word. */
function title(name: string): string {
  if (name === "uid") return "UID";
  const words = name.replaceAll(/([a-z0-9])([A-Z])/gu, "$1 $2").replaceAll(/([A-Z]+)([A-Z][a-z])/gu, "$1 $2");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** As Go's tabwriter aligns, which kubectl writes with: the values of lines that follow each other stand below each other. */
function aligned(lines: readonly Line[]): string {
  const heads = lines.map(({ depth, name, value }) => `${"  ".repeat(depth)}${name}${name === "" || value === undefined ? "" : ":"}`);
  let text = "";
  for (let start = 0; start < lines.length;) {
    let end = start;
    while (end < lines.length && lines[end]?.value !== undefined) end++;
    const width = Math.max(0, ...heads.slice(start, end).map((head) => head.length));
    for (let at = start; at < end; at++) text += `${`${heads[at]?.padEnd(width)}  ${lines[at]?.value}`.trimEnd()}\n`;
    if (end < lines.length) text += `${heads[end]}\n`;
    start = end + 1;
  }
  return text;
}

function eventTable(events: readonly Event[], nowMs: number): string {
  const rows = events.map((event) => [
    event.type ?? "",
    event.reason ?? "",
    ageOf(event.lastTimestamp ?? event.eventTime ?? event.firstTimestamp ?? "", nowMs),
    event.source?.component ?? event.reportingComponent ?? "",
    event.message ?? "",
  ]);
  return table(["Type", "Reason", "Age", "From", "Message"], rows);
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gmu, "  ");
}
