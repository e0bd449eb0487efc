// Compressors and decompressors of one batch, and what a pair's request, route and answer bring for them.
import { brotliCompressSync, gzipSync, zstdCompressSync } from "node:zlib";
import type { JsonObject } from "@bufbuild/protobuf";
import type { Choices } from "./choices.ts";
import type { Draft } from "./pair.ts";

const TYPE = "type.googleapis.com/envoy.extensions";
const LIBRARIES = {
  gzip: { type: "gzip.compressor.v3.Gzip", decoder: "gzip.decompressor.v3.Gzip" },
  brotli: { type: "brotli.compressor.v3.Brotli", decoder: "brotli.decompressor.v3.Brotli" },
  zstd: { type: "zstd.compressor.v3.Zstd", decoder: "zstd.decompressor.v3.Zstd" },
} as const;
const KINDS = ["gzip", "brotli", "zstd"] as const;

const COMPRESS = { gzip: gzipSync, br: brotliCompressSync, zstd: zstdCompressSync } as const;
export type Coding = keyof typeof COMPRESS;

export function isCoding(word: string): word is Coding {
  return word in COMPRESS;
}

export function encode(coding: Coding, text: string): Buffer {
  return COMPRESS[coding](Buffer.from(text, "latin1"));
}

/** Not so even that a decompressor would take it for an attack. */
export function variedText(said: string, length: number): string {
  let text = said;
  for (let i = 1; text.length < length; i++) text += ` ${said} ${Math.imul(i, 0x9e3779b1) >>> 0}`;
  return text.slice(0, length);
}

const SWITCH = (on: boolean): JsonObject => ({ defaultValue: on, runtimeKey: "pair.coder" });

function direction(choices: Choices): JsonObject {
  const common: JsonObject = {};
  if (choices.chance(0.5)) common["minContentLength"] = choices.pick([1, 30, 31, 100]);
  if (choices.chance(0.3)) common["contentType"] = choices.some(["text/html", "Image/PNG", "application/json", "text/event-stream"], 1, 3);
  if (choices.chance(0.15)) common["enabled"] = SWITCH(choices.chance(0.3));
  return Object.keys(common).length === 0 ? {} : { commonConfig: common };
}

function compressor(choices: Choices, kind: (typeof KINDS)[number]): JsonObject {
  const config: JsonObject = {
    compressorLibrary: { name: kind, typedConfig: { "@type": `${TYPE}.compression.${LIBRARIES[kind].type}` } },
  };
  if (choices.chance(0.8)) {
    const response = direction(choices);
    if (choices.chance(0.25)) response["disableOnEtagHeader"] = true;
    if (choices.chance(0.25)) response["removeAcceptEncodingHeader"] = true;
    config["responseDirectionConfig"] = response;
  }
  if (choices.chance(0.2)) config["requestDirectionConfig"] = direction(choices);
  if (choices.chance(0.3)) config["chooseFirst"] = true;
  return { name: kind, typedConfig: { "@type": `${TYPE}.filters.http.compressor.v3.Compressor`, ...config } };
}

function decompressor(choices: Choices, kind: (typeof KINDS)[number]): JsonObject {
  const common = (): JsonObject => ({
    ...(choices.chance(0.15) ? { enabled: SWITCH(false) } : {}),
    ...(choices.chance(0.3) ? { ignoreNoTransformHeader: true } : {}),
  });
  const config: JsonObject = {
    decompressorLibrary: { name: kind, typedConfig: { "@type": `${TYPE}.compression.${LIBRARIES[kind].decoder}` } },
  };
  if (choices.chance(0.7))
    config["requestDirectionConfig"] = {
      commonConfig: common(),
      ...(choices.chance(0.5) ? { advertiseAcceptEncoding: choices.chance(0.8) } : {}),
    };
  if (choices.chance(0.7)) config["responseDirectionConfig"] = { commonConfig: common() };
  return { name: `un-${kind}`, typedConfig: { "@type": `${TYPE}.filters.http.decompressor.v3.Decompressor`, ...config } };
}

/** In the order in which they stand before the router; empty for some batches. */
export function generateCoders(choices: Choices): JsonObject[] {
  if (choices.chance(0.3)) return [];
  const coders = choices.some(KINDS, 1, 3).map((kind) => compressor(choices, kind));
  if (choices.chance(0.3)) coders.reverse();
  if (choices.chance(0.3)) coders.push(...choices.some(KINDS, 1, 2).map((kind) => decompressor(choices, kind)));
  return coders;
}

export function compressorOfRoute(choices: Choices): JsonObject {
  const config: JsonObject = choices.chance(0.4)
    ? { disabled: true }
    : {
        overrides: choices.pick<JsonObject>([
          {},
          { response_direction_config: {} },
          { response_direction_config: { remove_accept_encoding_header: true } },
          { response_direction_config: { remove_accept_encoding_header: false } },
        ]),
      };
  return { "@type": `${TYPE}.filters.http.compressor.v3.CompressorPerRoute`, ...config };
}

const ACCEPTS = [
  "gzip",
  "br",
  "zstd",
  "br, gzip",
  "gzip, br;q=0.9, zstd;q=0.8",
  "gzip;q=0.5, br;q=0.9",
  "gzip;q=0.1,zstd;q=0.2",
  "*",
  "*;q=0",
  "*;q=0.5, gzip;q=0",
  "gzip;q=0",
  "identity",
  "identity;q=0, gzip;q=0.3",
  "identity, gzip",
  "gzip;q=0.5, identity;q=0.8",
  "GZIP",
  "gzip ; q=1",
  "gzip;Q=0.5, br;q=0.4",
  "gzip;q=x",
  "gzip;q=1.5",
  "gzip;q=0.0001, br;q=0",
  "x-gzip",
  "deflate",
  "gzip,,br",
  ", gzip",
  "",
];
const ANY_OF_THEM = ["gzip, br, zstd", "br, gzip, zstd;q=0.5", "zstd, gzip, br", "*"];
const CONTENT_TYPES = ["text/html", "text/html", "text/html", "text/html; charset=utf-8", "Text/HTML", "text/plain", "application/json", "image/png", "application/grpc", "text/event-stream", "text/html ;x", ""]; // prettier-ignore
const VARIES = ["Cookie", "Accept-Encoding", "accept-encoding, cookie", "X-Accept-Encoding", "*"];
const CACHES = ["no-transform", "public, No-Transform", "no-cache", "max-age=1,no-transform"];
const ETAGS = ['"strong"', 'W/"weak"', 'w/"weak"', '""', "x"];

/** The request says what it accepts, and what the upstream is to answer. */
export function addCodings(draft: Draft, choices: Choices): void {
  if (choices.chance(0.3)) draft.more.push(["accept-encoding", choices.pick(ANY_OF_THEM)]);
  else if (choices.chance(0.8)) draft.more.push(["accept-encoding", choices.pick(ACCEPTS)]);
  if (choices.chance(0.05)) draft.more.push(["accept-encoding", choices.pick(ACCEPTS)]);
  const answer = draft.answer;
  if (choices.chance(0.9)) answer.push(["content-type", choices.pick(CONTENT_TYPES)]);
  if (choices.chance(0.2)) answer.push(["vary", choices.pick(VARIES)]);
  if (choices.chance(0.2)) answer.push(["cache-control", choices.pick(CACHES)]);
  if (choices.chance(0.25)) answer.push(["etag", choices.pick(ETAGS)]);
  if (choices.chance(0.05)) answer.push(["content-encoding", choices.pick(["identity", "deflate", ""])]);
  if (choices.chance(0.05)) answer.push(["accept-ranges", "bytes"]);
  if (choices.chance(0.9)) draft.answerLength = choices.pick([1, 29, 30, 31, 99, 100, 101, 300, 5000, 100_000]);
  if (draft.script.join() === "200" && choices.chance(0.4))
    draft.script = [choices.pick(["gzip", "gzip", "br", "zstd", "chunked", "chunked", "trailers", "206", "404", "500", "empty"])];
  if (draft.body === "" || choices.chance(0.4)) return;
  draft.headers.set("content-type", choices.pick(["text/html", "text/plain", "image/png"]));
  if (!choices.chance(0.5)) return;
  const coding = choices.pick(["gzip", "br", "zstd"] as const);
  draft.headers.set("content-encoding", coding);
  draft.body = encode(coding, variedText(draft.body.slice(0, 10), draft.body.length * 3)).toString("latin1");
}
