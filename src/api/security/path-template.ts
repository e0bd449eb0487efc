// Paths of an AuthorizationPolicy with {*} (one segment) and {**} (several, the last operator).

// RFC 3986 appendix A: pchar.
const literal = /^[-a-zA-Z0-9._~%!$&'()+,;:@=]+$/u;

export function pathTemplateFault(path: string): string | undefined {
  const isTemplate = path.includes("{*}") || path.includes("{**}");
  let rest = false;
  for (const segment of path.replaceAll(/^\/+|\/+$/gu, "").split("/")) {
    if (segment === "{*}" || segment === "{**}") {
      if (rest) return `${JSON.stringify(path)}: nothing but plain segments may follow {**}`;
      rest = segment === "{**}";
    } else if (/[{}]/u.test(segment)) return `${JSON.stringify(path)}: { and } stand only in {*} and {**}, as whole segments`;
    else if (isTemplate && !literal.test(segment))
      return `${JSON.stringify(path)}: ${JSON.stringify(segment)} cannot stand in a path template`;
  }
  return undefined;
}
