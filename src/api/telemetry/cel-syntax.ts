// The grammar of CEL (cel-spec, langdef.md "Syntax"): whether a text is an expression. What names mean, and whether types fit, is not
// looked at: that depends on who evaluates.

const maxLength = 100_000;
/** cel-go's limit. */
const maxDepth = 250;

/** What is wrong, with the place in the text; undefined when it is an expression. */
export function celFault(text: string): string | undefined {
  if (text.length > maxLength) return `has more than ${maxLength} characters`;
  try {
    const parser = new Parser(tokens(text));
    parser.expression();
    parser.end();
    return undefined;
  } catch (error) {
    if (error instanceof SyntaxFault) return error.message;
    throw error;
  }
}

class SyntaxFault extends Error {}

interface Token {
  readonly kind: "identifier" | "literal" | "symbol" | "end";
  readonly text: string;
  readonly offset: number;
}

const prefix = "(?:[rR][bB]?|[bB][rR]?)?";
const token = new RegExp(
  [
    String.raw`(?<space>[ \t\r\n\f]+|//[^\n]*)`,
    String.raw`(?<raw>(?:[rR][bB]?|[bB][rR])(?:"""[^]*?"""|'''[^]*?'''|"[^"\r\n]*"|'[^'\r\n]*'))`,
    String.raw`(?<string>${prefix}(?:"""(?:[^\\]|\\[^])*?"""|'''(?:[^\\]|\\[^])*?'''|"(?:[^"\\\r\n]|\\.)*"|'(?:[^'\\\r\n]|\\.)*'))`,
    String.raw`(?<number>0x[0-9a-fA-F]+[uU]?|\d*\.\d+(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+|\d+[uU]?)`,
    String.raw`(?<identifier>[_a-zA-Z][_a-zA-Z0-9]*)`,
    String.raw`(?<symbol>==|!=|<=|>=|&&|\|\||[-+*/%!<>?:.,()[\]{}])`,
  ].join("|"),
  "uy",
);

const escapes = /\\(?:[abfnrtv"'`\\?]|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2})/gu;

const reserved: ReadonlySet<string> = new Set(
  "as break const continue else for function if import let loop package namespace return var void while".split(" "),
);
const literals: ReadonlySet<string> = new Set(["true", "false", "null"]);

function tokens(text: string): readonly Token[] {
  const found: Token[] = [];
  token.lastIndex = 0;
  while (token.lastIndex < text.length) {
    const offset = token.lastIndex;
    const match = token.exec(text);
    if (match === null) throw new SyntaxFault(`${JSON.stringify(text[offset])} at character ${offset + 1} begins nothing`);
    const { string, raw, number, identifier, symbol } = match.groups ?? {};
    if (string !== undefined && string.replaceAll(escapes, "").includes("\\")) {
      throw new SyntaxFault(`the string at character ${offset + 1} has an unknown escape`);
    }
    if (string !== undefined || raw !== undefined || number !== undefined) found.push({ kind: "literal", text: match[0], offset });
    else if (identifier !== undefined) found.push({ kind: literals.has(identifier) ? "literal" : "identifier", text: identifier, offset });
    else if (symbol !== undefined) found.push({ kind: "symbol", text: symbol, offset });
  }
  found.push({ kind: "end", text: "", offset: text.length });
  return found;
}

const binary: readonly (readonly string[])[] = [["||"], ["&&"], ["<", "<=", ">=", ">", "==", "!=", "in"], ["+", "-"], ["*", "/", "%"]];
/** Macros whose first argument names a variable. */
const comprehensions: ReadonlySet<string> = new Set(["all", "exists", "exists_one", "map", "filter"]);

/** What an operand was, as far as macros ask: has() takes a field, comprehensions take a name. */
type Form = "name" | "field" | "other";

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(all: readonly Token[]) {
    this.#tokens = all;
  }

  expression(): Form {
    if (++this.#depth > maxDepth) throw new SyntaxFault(`nests more than ${maxDepth} levels`);
    let form = this.#binary(0);
    if (this.#takes("?")) {
      this.#binary(0);
      this.#expect(":");
      this.expression();
      form = "other";
    }
    this.#depth--;
    return form;
  }

  end(): void {
    if (this.#next.kind !== "end") this.#unexpected();
  }

  #binary(level: number): Form {
    const operators = binary[level];
    if (operators === undefined) return this.#unary();
    let form = this.#binary(level + 1);
    while (operators.includes(this.#next.text) && this.#next.kind !== "literal") {
      this.#at++;
      this.#binary(level + 1);
      form = "other";
    }
    return form;
  }

  #unary(): Form {
    let form: Form | undefined;
    while (this.#next.kind === "symbol" && (this.#next.text === "!" || this.#next.text === "-")) {
      this.#at++;
      form = "other";
    }
    const member = this.#member();
    return form ?? member;
  }

  #member(): Form {
    let form = this.#primary();
    for (;;) {
      if (this.#takes(".")) {
        const name = this.#identifier();
        form = "field";
        if (this.#takes("(")) {
          this.#arguments(name);
          form = "other";
        }
      } else if (this.#takes("[")) {
        this.expression();
        this.#expect("]");
        form = "other";
      } else if (form !== "other" && this.#takes("{")) {
        this.#list("}", () => {
          this.#identifier();
          this.#expect(":");
          this.expression();
        });
        form = "other";
      } else return form;
    }
  }

  #primary(): Form {
    const { kind, text } = this.#next;
    if (kind === "literal") {
      this.#at++;
      return "other";
    }
    if (this.#takes("(")) {
      this.expression();
      this.#expect(")");
      return "other";
    }
    if (this.#takes("[")) return this.#list("]", () => this.expression());
    if (this.#takes("{")) {
      return this.#list("}", () => {
        this.expression();
        this.#expect(":");
        this.expression();
      });
    }
    this.#takes(".");
    if (reserved.has(text)) throw new SyntaxFault(`${text} at character ${this.#next.offset + 1} is reserved`);
    const name = this.#identifier();
    if (name === "in") this.#unexpected();
    if (!this.#takes("(")) return "name";
    if (name !== "has") return this.#list(")", () => this.expression());
    if (this.expression() !== "field") throw new SyntaxFault("has() takes a field: has(request.headers)");
    this.#expect(")");
    return "other";
  }

  #arguments(name: string): void {
    let first = comprehensions.has(name);
    this.#list(")", () => {
      const form = this.expression();
      if (first && form !== "name") throw new SyntaxFault(`${name}() takes a variable's name first`);
      first = false;
    });
  }

  #list(close: string, item: () => void): Form {
    while (!this.#takes(close)) {
      item();
      if (this.#takes(",")) {
        if (close === ")" && this.#next.text === ")") this.#unexpected();
      } else if (this.#next.text !== close) this.#unexpected();
    }
    return "other";
  }

  #identifier(): string {
    const { kind, text } = this.#next;
    if (kind !== "identifier") this.#unexpected();
    this.#at++;
    return text;
  }

  get #next(): Token {
    return this.#tokens[this.#at] ?? { kind: "end", text: "", offset: 0 };
  }

  #takes(symbol: string): boolean {
    if (this.#next.kind !== "symbol" || this.#next.text !== symbol) return false;
    this.#at++;
    return true;
  }

  #expect(symbol: string): void {
    if (!this.#takes(symbol)) this.#unexpected();
  }

  #unexpected(): never {
    const { kind, text, offset } = this.#next;
    throw new SyntaxFault(kind === "end" ? "it ends too early" : `${JSON.stringify(text)} at character ${offset + 1} does not fit`);
  }
}
