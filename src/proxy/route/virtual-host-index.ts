// From a request's authority to its virtual host, at a cost that does not depend on how many there are: exact names, then suffix
// wildcards (`*.foo`), longest first, then prefix wildcards (`foo.*`), longest first, then `*`.
import { asciiLower, wireText } from "#matcher/wire-text";

export interface DomainEntry<Host> {
  readonly domain: string;
  /** Proto path of the domain, for messages. */
  readonly path: string;
  readonly host: Host;
}

interface Wildcards<Host> {
  readonly byText: Map<string, Host>;
  lengths: number[];
}

export class VirtualHostIndex<Host> {
  readonly #exact = new Map<string, Host>();
  readonly #suffix: Wildcards<Host> = { byText: new Map(), lengths: [] };
  readonly #prefix: Wildcards<Host> = { byText: new Map(), lengths: [] };
  #any: Host | undefined;
  readonly #ignorePort: boolean;

  constructor(entries: readonly DomainEntry<Host>[], ignorePort: boolean, report: (path: string, message: string) => void) {
    this.#ignorePort = ignorePort;
    for (const entry of entries) this.#add(entry, report);
    for (const wildcards of [this.#suffix, this.#prefix]) {
      wildcards.lengths = [...new Set([...wildcards.byText.keys()].map((text) => text.length))].sort((a, b) => b - a);
    }
  }

  #add({ domain, path, host }: DomainEntry<Host>, report: (path: string, message: string) => void): void {
    const text = asciiLower(wireText(domain));
    if (text === "") return report(path, "must not be empty");
    if (text === "*") {
      if (this.#any !== undefined) return report(path, 'only one virtual host may have the domain "*"');
      this.#any = host;
      return;
    }
    const first = text.startsWith("*");
    const last = text.endsWith("*");
    const body = first ? text.slice(1) : last ? text.slice(0, -1) : text;
    if (body.includes("*")) return report(path, `"${domain}": a wildcard may only be the first or the last character`);
    const into = first ? this.#suffix.byText : last ? this.#prefix.byText : this.#exact;
    if (into.has(body)) return report(path, `domain "${domain}" stands in more than one place of this route configuration`);
    into.set(body, host);
  }

  find(authority: string): Host | undefined {
    if (authority === "") return this.#exact.size + this.#suffix.byText.size + this.#prefix.byText.size === 0 ? this.#any : undefined;
    const asked = this.#ignorePort ? withoutPort(authority) : authority;
    // As most clients write it: the names here are in lower case.
    const exact = this.#exact.get(asked);
    if (exact !== undefined) return exact;
    const name = asciiLower(asked);
    return (
      this.#exact.get(name) ??
      longest(this.#suffix, name, (length) => name.slice(name.length - length)) ??
      longest(this.#prefix, name, (length) => name.slice(0, length)) ??
      this.#any
    );
  }
}

function longest<Host>(wildcards: Wildcards<Host>, name: string, part: (length: number) => string): Host | undefined {
  for (const length of wildcards.lengths) {
    // The wildcard stands for at least one character.
    if (length >= name.length) continue;
    const host = wildcards.byText.get(part(length));
    if (host !== undefined) return host;
  }
  return undefined;
}

/** The host of `host:port` and `[v6]:port`; text without a numeric port stays as it is. */
export function withoutPort(authority: string): string {
  const colon = authority.lastIndexOf(":");
  if (colon < 0) return authority;
  // A colon inside of [..] belongs to the address; a bare IPv6 address has no port.
  const bracket = authority.lastIndexOf("]");
  if (bracket > colon) return authority;
  if (bracket < 0 && authority.indexOf(":") !== colon) return authority;
  for (let i = colon + 1; i < authority.length; i++) {
    const code = authority.charCodeAt(i);
    if (code < 48 || code > 57) return authority;
  }
  return authority.slice(0, colon);
}
