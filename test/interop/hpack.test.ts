// Header stories, each a connection's worth of header blocks, between our HPACK and nghttp2's, both ways, with tables that change size.
import { strict as assert } from "node:assert";
import { before, test } from "node:test";
import koffi from "koffi";
import { HpackDecoder } from "#proxy/codec/hpack/decoder";
import { BEGIN_BOUND, HpackEncoder, encodedBound } from "#proxy/codec/hpack/encoder";
import { debianTool } from "../harness/tools.ts";

type Pair = readonly [name: string, value: string];
/** A block, or a new size of the table. */
type Step = readonly Pair[] | number;

const STORIES = 40;
const STEPS = 40;
const EMIT = 0x02;
const FINAL = 0x01;

function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const AGENTS = ["curl/8.5.0", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "grpc-go/1.80.0"];
const PATHS = [
  "/",
  "/productpage",
  "/static/bootstrap.min.css",
  "/api/v1/products/0/reviews?page=2&size=50",
  "/grpc.health.v1.Health/Check",
];

/** What a client of a page, an API or a service says, one request after the other. */
function story(seed: number): Step[] {
  const below = random(seed);
  const pick = <T>(values: readonly T[]): T => values[below(values.length)]!;
  const bytes = (length: number): string => Array.from({ length }, () => String.fromCharCode(below(256))).join("");
  const agent = pick(AGENTS);
  return Array.from({ length: STEPS }, () => {
    if (below(12) === 0) return pick([0, 64, 200, 1000, 4096]);
    const pairs: Pair[] = [
      [":method", pick(["GET", "POST", "PUT", "OPTIONS"])],
      [":scheme", pick(["http", "https"])],
      [":authority", pick(["bookinfo.example", "bookinfo.example:8080"])],
      [":path", pick(PATHS)],
      ["user-agent", agent],
    ];
    if (below(2) === 0) pairs.push(["x-request-id", `${below(1e9)}-${below(1e9)}`]);
    if (below(2) === 0) pairs.push(["cookie", `session=${"a".repeat(below(80))}`], ["cookie", `user=${below(3)}`]);
    if (below(3) === 0) pairs.push(["authorization", `Bearer ${below(1e9)}`]);
    if (below(3) === 0)
      pairs.push(["content-length", String(below(5000))], ["content-type", pick(["application/json", "application/grpc"])]);
    if (below(4) === 0) pairs.push([`x-${below(20)}`, bytes(below(60))]);
    if (below(10) === 0) pairs.push(["x-large", "v".repeat(3000 + below(2000))]);
    if (below(4) === 0) pairs.push(["accept", ""]);
    return pairs;
  });
}

interface Nghttp2 {
  deflater(): { setMaxTableSize(size: number): void; encode(pairs: readonly Pair[]): Buffer };
  inflater(): { setMaxTableSize(size: number): void; decode(block: Buffer): Pair[] };
}

function loadNghttp2(): Nghttp2 {
  debianTool("nghttpx", "nghttp2-proxy"); // its package brings the library
  const library = koffi.load("libnghttp2.so.14");
  koffi.struct("nghttp2_nv", { name: "uint8_t *", value: "uint8_t *", namelen: "size_t", valuelen: "size_t", flags: "uint8_t" });
  const deflateNew = library.func("int nghttp2_hd_deflate_new(_Out_ void **deflater, size_t size)");
  const deflateResize = library.func("int nghttp2_hd_deflate_change_table_size(void *deflater, size_t size)");
  const deflate = library.func(
    "int64_t nghttp2_hd_deflate_hd(void *deflater, uint8_t *out, size_t length, nghttp2_nv *fields, size_t count)",
  );
  const inflateNew = library.func("int nghttp2_hd_inflate_new(_Out_ void **inflater)");
  const inflateResize = library.func("int nghttp2_hd_inflate_change_table_size(void *inflater, size_t size)");
  const inflate = library.func(
    "int64_t nghttp2_hd_inflate_hd2(void *inflater, _Out_ nghttp2_nv *field, _Out_ int *flags, const uint8_t *block, size_t length, int final)",
  );
  const endHeaders = library.func("int nghttp2_hd_inflate_end_headers(void *inflater)");
  const text = (pointer: unknown, length: number): string =>
    length === 0 ? "" : Buffer.from(koffi.decode(pointer, "uint8_t", length) as Uint8Array).toString("latin1");
  return {
    deflater() {
      const out: [unknown] = [null];
      assert.equal(deflateNew(out, 4096), 0);
      return {
        setMaxTableSize: (size) => assert.equal(deflateResize(out[0], size), 0),
        encode(pairs) {
          const fields = pairs.map(([name, value]) => ({
            name: Buffer.from(name, "latin1"),
            value: Buffer.from(value, "latin1"),
            namelen: name.length,
            valuelen: value.length,
            flags: 0,
          }));
          const block = Buffer.alloc(65_536);
          const length = Number(deflate(out[0], block, block.length, fields, fields.length));
          assert.ok(length >= 0, `nghttp2 could not encode: ${length}`);
          return block.subarray(0, length);
        },
      };
    },
    inflater() {
      const out: [unknown] = [null];
      assert.equal(inflateNew(out), 0);
      return {
        setMaxTableSize: (size) => assert.equal(inflateResize(out[0], size), 0),
        decode(block) {
          const pairs: Pair[] = [];
          for (let at = 0; ;) {
            const field: { name?: unknown; value?: unknown; namelen?: number; valuelen?: number } = {};
            const flags: [number] = [0];
            const rest = block.subarray(at);
            const used = Number(inflate(out[0], field, flags, rest, rest.length, 1));
            assert.ok(used >= 0, `nghttp2 could not decode: ${used}`);
            at += used;
            if ((flags[0] & EMIT) !== 0) pairs.push([text(field.name, Number(field.namelen)), text(field.value, Number(field.valuelen))]);
            if ((flags[0] & FINAL) !== 0) break;
          }
          endHeaders(out[0]);
          return pairs;
        },
      };
    },
  };
}

function ourEncode(encoder: HpackEncoder, pairs: readonly Pair[]): Buffer {
  const out = Buffer.alloc(pairs.reduce((sum, [name, value]) => sum + encodedBound(name, value), BEGIN_BOUND));
  let at = encoder.begin(out, 0);
  for (const [name, value] of pairs) at = encoder.field(name, value, false, out, at);
  return out.subarray(0, at);
}

function ourDecode(decoder: HpackDecoder, block: Buffer): Pair[] {
  const pairs: Pair[] = [];
  assert.equal(decoder.decode(block, 0, block.length, { onField: (field) => void pairs.push([field.name, field.value]) }), undefined);
  return pairs;
}

const loaded: { nghttp2?: Nghttp2 } = {};
before(() => {
  loaded.nghttp2 = loadNghttp2();
});

test(`decodes ${STORIES} stories that nghttp2 encoded`, () => {
  for (let seed = 1; seed <= STORIES; seed++) {
    const deflater = loaded.nghttp2!.deflater();
    const decoder = new HpackDecoder();
    for (const step of story(seed)) {
      if (typeof step === "number") {
        deflater.setMaxTableSize(step);
        decoder.setMaxTableSize(step);
      } else assert.deepEqual(ourDecode(decoder, deflater.encode(step)), step, `story ${seed}`);
    }
  }
});

test(`encodes ${STORIES} stories that nghttp2 decodes, in a third more bytes than nghttp2 at most`, () => {
  let ours = 0;
  let theirs = 0;
  for (let seed = 1; seed <= STORIES; seed++) {
    const inflater = loaded.nghttp2!.inflater();
    const encoder = new HpackEncoder();
    const deflater = loaded.nghttp2!.deflater();
    for (const step of story(seed)) {
      if (typeof step === "number") {
        encoder.setMaxTableSize(step);
        inflater.setMaxTableSize(step);
        deflater.setMaxTableSize(step);
      } else {
        const block = ourEncode(encoder, step);
        assert.deepEqual(inflater.decode(block), step, `story ${seed}`);
        ours += block.length;
        theirs += deflater.encode(step).length;
      }
    }
  }
  // Huffman's code saves a quarter, which values that pass by once are not given.
  assert.ok(ours < theirs * 1.33, `${ours} against ${theirs} bytes`);
});
