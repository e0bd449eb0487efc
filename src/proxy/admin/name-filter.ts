// Regular expressions of the admin pages over names: RE2, found anywhere.
import { compileRegex } from "#matcher/regex";

/** null or "": every name. @throws Error when it is no regular expression */
export function nameFilter(pattern: string | null): (name: string) => boolean {
  if (pattern === null || pattern === "") return () => true;
  const regex = compileRegex(`.*(?:${pattern}).*`);
  return (name) => regex.matches(name);
}
