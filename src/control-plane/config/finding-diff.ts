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

export function diffFindings(before: readonly Finding[], after: readonly Finding[]): FindingDiff {
  const old = new Map(before.map((finding) => [findingIdentity(finding), finding]));
  const now = new Map(after.map((finding) => [findingIdentity(finding), finding]));
  const missingFrom = (other: ReadonlyMap<string, Finding>, own: ReadonlyMap<string, Finding>): Finding[] =>
    [...own].filter(([identity]) => !other.has(identity)).map(([, finding]) => finding);
  return { fresh: missingFrom(old, now), gone: missingFrom(now, old) };
}
