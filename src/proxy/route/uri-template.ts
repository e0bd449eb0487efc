// URI templates, for matches and rewrites: `/{lang}/{rest=**}`. The language and its limits are Envoy's (uri_template_lib): `*` is one
// segment, `**` any number of them and the last operator, `{name}` and `{name=pattern}` are what a rewrite may use.
import { compileRegex } from "#matcher/regex";
import type { ReportViolation } from "#matcher/string-matcher";

const LITERAL = "a-zA-Z0-9\\-._~%!$&'()+,;:@";
const IS_LITERAL = new RegExp(`^[${LITERAL}]+$`);
const IS_REWRITE_LITERAL = new RegExp(`^[${LITERAL}/]+$`);
/** What an operator takes is what a path may hold by RFC 3986 3.3: nothing that should have been escaped. */
const ONE_SEGMENT = `[${LITERAL}*=]+`;
const ANY_SEGMENTS = `[${LITERAL}*=/]*`;
const MAX_VARIABLES = 5;
const MAX_NAME_LENGTH = 16;

export interface UriTemplate {
  /** A path without query. */
  matches(path: string): boolean;
  /** What a rewrite makes of a path that matches. @throws Error where the rewrite is none, or names what the template does not have */
  compileRewrite(rewrite: string): (path: string) => string;
}

const NOTHING: UriTemplate = { matches: () => false, compileRewrite: () => (path) => path };

export function compileUriTemplate(template: string, path: string, report: ReportViolation): UriTemplate {
  try {
    const { pattern, variables } = new Parser(template).parse();
    const regex = compileRegex(pattern);
    const whole = compileRegex(`^${pattern}$`);
    return {
      matches: (text) => regex.matches(text),
      compileRewrite(rewrite) {
        const substitution = substitutionOf(rewrite, variables);
        return (text) => whole.replaceAll(text, substitution);
      },
    };
  } catch (error) {
    report(path, `"${template}" is not a URI template: ${error instanceof Error ? error.message : String(error)}`);
    return NOTHING;
  }
}

class Parser {
  readonly #template: string;
  readonly #variables: string[] = [];
  #anySegmentsSeen = false;

  constructor(template: string) {
    this.#template = template;
  }

  parse(): { readonly pattern: string; readonly variables: readonly string[] } {
    const template = this.#template;
    if (!/^\/[\x21-\x7e]*$/.test(template)) throw new Error('it must begin with "/" and hold printable characters only');
    const pieces: string[] = [];
    let at = 1;
    while (at < template.length) {
      const part = /^(\*\*?|\{[^}]*\}?|[^/]*)/.exec(template.slice(at))![0];
      at += part.length;
      pieces.push(part.startsWith("{") ? this.#variable(part) : this.#operatorOrLiteral(part));
      if (at === template.length) break;
      if (template[at] === "/") {
        at++;
        if (at === template.length) pieces.push("");
        continue;
      }
      // What stands behind an operator or a variable is the end of the path.
      const suffix = template.slice(at);
      pieces[pieces.length - 1] += this.#literal(suffix);
      break;
    }
    return { pattern: `/${pieces.join("/")}`, variables: this.#variables };
  }

  #operatorOrLiteral(text: string): string {
    if (text === "*" || text === "**") return this.#operator(text);
    return this.#literal(text);
  }

  #operator(text: "*" | "**"): string {
    if (this.#anySegmentsSeen) throw new Error('"**" must be the last operator');
    if (text === "*") return ONE_SEGMENT;
    this.#anySegmentsSeen = true;
    return ANY_SEGMENTS;
  }

  #literal(text: string): string {
    if (!IS_LITERAL.test(text)) throw new Error(`"${text}" is not a literal`);
    return text.replaceAll(/[$()+.]/g, String.raw`\$&`);
  }

  #variable(text: string): string {
    if (!text.endsWith("}")) throw new Error("a bracket is not closed");
    const inner = text.slice(1, -1);
    const equals = inner.indexOf("=");
    const name = equals === -1 ? inner : inner.slice(0, equals);
    if (!/^[a-zA-Z][a-zA-Z0-9_]*$/.test(name) || name.length > MAX_NAME_LENGTH) throw new Error(`"${name}" is not a name for a variable`);
    if (this.#variables.includes(name)) throw new Error(`variable "${name}" stands twice`);
    if (this.#variables.length === MAX_VARIABLES) throw new Error(`it has more than ${MAX_VARIABLES} variables`);
    this.#variables.push(name);
    const matched = equals === -1 ? ["*"] : inner.slice(equals + 1).split("/");
    return `(${matched.map((part) => this.#operatorOrLiteral(part)).join("/")})`;
  }
}

/** The rewrite in the form that regular expressions know. */
function substitutionOf(rewrite: string, variables: readonly string[]): string {
  if (!rewrite.startsWith("/")) throw new Error('it must begin with "/"');
  let out = "";
  for (const part of rewrite.split(/(\{[^}]*\})/)) {
    if (part === "") continue;
    if (!part.startsWith("{")) {
      if (!IS_REWRITE_LITERAL.test(part) || part.includes("//")) throw new Error(`"${part}" is not a literal`);
      out += part;
      continue;
    }
    const index = variables.indexOf(part.slice(1, -1));
    if (index === -1) throw new Error(`the template has no variable "${part.slice(1, -1)}"`);
    out += `\\${index + 1}`;
  }
  return out;
}
