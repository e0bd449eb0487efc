// Where things are in etcd, below a prefix of our own: `PREFIX/objects/KEY`, `PREFIX/versions/KEY/NUMBER`, and `PREFIX/objects` itself,
// which every write touches: its revision is that of the last write, deletions included.
import { objectKey, parseObjectKey } from "#control-plane/config/stored-object";

const utf8 = new TextEncoder();
const text = new TextDecoder();

export class EtcdKeys {
  readonly #prefix: string;
  readonly latest: Uint8Array;
  /** All of what a watch follows: the latest write and every object. */
  readonly objects: { readonly key: Uint8Array; readonly rangeEnd: Uint8Array };

  constructor(prefix: string) {
    this.#prefix = prefix.replace(/\/+$/u, "");
    this.latest = utf8.encode(`${this.#prefix}/objects`);
    this.objects = { key: this.latest, rangeEnd: utf8.encode(`${this.#prefix}/objects0`) };
  }

  object(key: string): Uint8Array {
    return utf8.encode(`${this.#prefix}/objects/${key}`);
  }

  /** Undefined: the latest write, or a key that is none of ours. */
  keyOf(bytes: Uint8Array): string | undefined {
    const start = `${this.#prefix}/objects/`;
    const written = text.decode(bytes);
    if (!written.startsWith(start)) return undefined;
    const key = written.slice(start.length);
    try {
      return objectKey(parseObjectKey(key)) === key ? key : undefined;
    } catch {
      return undefined;
    }
  }

  /** Numbers in the order of their digits. */
  version(key: string, number: number): Uint8Array {
    return utf8.encode(`${this.#prefix}/versions/${key}/${String(number).padStart(12, "0")}`);
  }

  versions(key: string): { readonly key: Uint8Array; readonly rangeEnd: Uint8Array } {
    const start = `${this.#prefix}/versions/${key}`;
    return { key: utf8.encode(`${start}/`), rangeEnd: utf8.encode(`${start}0`) };
  }

  get allVersions(): { readonly key: Uint8Array; readonly rangeEnd: Uint8Array } {
    return { key: utf8.encode(`${this.#prefix}/versions/`), rangeEnd: utf8.encode(`${this.#prefix}/versions0`) };
  }

  nameOfVersion(bytes: Uint8Array): string {
    const written = text.decode(bytes);
    return written.slice(`${this.#prefix}/versions/`.length, written.lastIndexOf("/"));
  }

  versionNumber(bytes: Uint8Array): number {
    const written = text.decode(bytes);
    return Number(written.slice(written.lastIndexOf("/") + 1));
  }
}

export function encodeText(value: string): Uint8Array {
  return utf8.encode(value);
}

export function decodeText(bytes: Uint8Array): string {
  return text.decode(bytes);
}

export function encodeJson(value: unknown): Uint8Array {
  return utf8.encode(JSON.stringify(value));
}

export function decodeJson(bytes: Uint8Array): unknown {
  return JSON.parse(text.decode(bytes));
}
