import assert from "node:assert/strict";
import { test } from "node:test";
import { HeaderField } from "#proxy/codec/hpack/header-field";
import { FieldKind, fieldKind } from "./field-kind.ts";

const kind = (name: string, value: string): number => fieldKind(new HeaderField(name, value));

test("knows the pseudo headers and the fields that have a meaning to HTTP/2", () => {
  for (const [name, value, expected] of [
    [":method", "GET", FieldKind.METHOD],
    [":scheme", "https", FieldKind.SCHEME],
    [":authority", "[::1]:80", FieldKind.AUTHORITY],
    [":authority", "", FieldKind.AUTHORITY],
    [":path", "/a?b=c&d#e", FieldKind.PATH],
    [":protocol", "websocket", FieldKind.PROTOCOL],
    [":status", "599", FieldKind.STATUS],
    [":unknown", "a", FieldKind.UNKNOWN_PSEUDO],
    ["content-length", "0", FieldKind.CONTENT_LENGTH],
    ["te", "trailers", FieldKind.REGULAR],
    ["te", "Trailers", FieldKind.REGULAR],
    ["te", "gzip", FieldKind.CONNECTION_SPECIFIC],
    ["upgrade", "websocket", FieldKind.CONNECTION_SPECIFIC],
    ["x-a", "any\tvalue \xff", FieldKind.REGULAR],
    ["x-a", "", FieldKind.REGULAR],
  ] as const) {
    assert.equal(kind(name, value), expected, `${name}: ${value}`);
  }
});

test("every byte of a name and a value is allowed or not as RFC 9113 8.2.1 and RFC 9110 5 say", () => {
  for (let code = 0; code < 256; code++) {
    const character = String.fromCharCode(code);
    const inName = /[a-z0-9!#$%&'*+\-.^_`|~]/.test(character);
    assert.equal(kind(`x${character}`, "a"), inName ? FieldKind.REGULAR : FieldKind.INVALID, `name ${code}`);
    const inValue = code === 9 || (code >= 32 && code !== 127);
    assert.equal(kind("x", `a${character}b`), inValue ? FieldKind.REGULAR : FieldKind.INVALID, `value ${code}`);
    const atEnd = inValue && code !== 9 && code !== 32;
    assert.equal(kind("x", `a${character}`), atEnd ? FieldKind.REGULAR : FieldKind.INVALID, `end ${code}`);
    assert.equal(kind("x", `${character}a`), atEnd ? FieldKind.REGULAR : FieldKind.INVALID, `beginning ${code}`);
  }
});

test("looks at a field once", () => {
  const field = new HeaderField("x-a", "b");
  assert.equal(fieldKind(field), FieldKind.REGULAR);
  assert.equal(field.tag, FieldKind.REGULAR);
});
