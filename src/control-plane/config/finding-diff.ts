// What is new among findings and what has gone, for people who watch a running mesh. A finding stays the same one when only its
// place moved: a comment at the top of a file is no news.
import { keyText, type Finding } from "#api/finding";

export interface FindingDiff {
  readonly fresh: readonly Finding[];
  readonly gone: readonly Finding[];
}

export function findingIdentity(finding: Finding): string {
  const object = finding.object === undefined ? "" : keyText(finding.object);
  // Without an object the file is what the finding is about.
  const about = object === "" ? (finding.place?.file ?? "") : object;
  return [finding.level, finding.code, about, finding.field ?? "", finding.message].join("|");
}

/** Two documents without a name can have the same fault in one file: the second one is told apart by being the second one. */
function byIdentity(findings: readonly Finding[]): ReadonlyMap<string, Finding> {
  const found = new Map<string, Finding>();
  const counts = new Map<string, number>();
  for (const finding of findings) {
    const identity = findingIdentity(finding);
    const nth = (counts.get(identity) ?? 0) + 1;
    counts.set(identity, nth);
    found.set(`${identity}|${nth}`, finding);
  }
  return found;
}

export function diffFindings(before: readonly Finding[], after: readonly Finding[]): FindingDiff {
  const old = byIdentity(before);
  const now = byIdentity(after);
  const missingFrom = (other: ReadonlyMap<string, Finding>, own: ReadonlyMap<string, Finding>): Finding[] =>
    [...own].filter(([identity]) => !other.has(identity)).map(([, finding]) => finding);
  return { fresh: missingFrom(old, now), gone: missingFrom(now, old) };
}
