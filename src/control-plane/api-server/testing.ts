// For tests: the API over a store in memory, without sockets.
import { CachedObjectStore } from "#control-plane/config/objects/cached-object-store";
import { MemoryJournal } from "#control-plane/config/objects/memory-journal";
import { ManualClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { seededRandom } from "#runtime/random";
import type { ObjectReview } from "./admission/object-review.ts";
import { ApiHandler } from "./api-handler.ts";
import type { ApiRequest, ApiResponse } from "./api-request.ts";
import { ensureBuiltins } from "./builtins.ts";
import { textAt, type Json, type JsonObject } from "./json.ts";
import { ResourceTable } from "./resources/resource-table.ts";

const ADMIN = { name: "mizzen:admin", groups: ["system:masters"] };
export const VIRTUAL_SERVICES = "/apis/networking.istio.io/v1/namespaces/default/virtualservices";

export interface Asked extends Partial<Omit<ApiRequest, "body" | "query" | "path" | "method">> {
  readonly contentType?: string;
}

export interface Reply {
  readonly code: number;
  readonly body: JsonObject;
  readonly warnings: readonly string[];
}

export class ApiBench {
  readonly clock: ManualClock;
  readonly store: CachedObjectStore;
  readonly #handler: ApiHandler;

  private constructor(clock: ManualClock, store: CachedObjectStore, handler: ApiHandler) {
    this.clock = clock;
    this.store = store;
    this.#handler = handler;
  }

  static async open(review: ObjectReview = () => []): Promise<ApiBench> {
    const clock = new ManualClock();
    const random = seededRandom(7);
    const store = await CachedObjectStore.open({ journal: new MemoryJournal(), clock, random, log: silentLog });
    const table = new ResourceTable();
    await ensureBuiltins(store, table, clock.wallMs());
    const userOf = (token: string) => (token === "known" ? ADMIN : undefined);
    const options = { store, table, clock, random, log: silentLog, version: "1.2.3", userOf, review, metrics: () => "metrics\n" };
    return new ApiBench(clock, store, new ApiHandler(options));
  }

  respond(method: string, target: string, body?: Json | Buffer, asked: Asked = {}): Promise<ApiResponse> {
    // As it was sent: a URL object would resolve dots.
    const [path = "", query = ""] = target.split("?");
    const { contentType = "application/json", ...rest } = asked;
    const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body === undefined ? "" : JSON.stringify(body));
    return this.#handler.handle({
      method,
      path,
      query: new URLSearchParams(query),
      accept: "application/json",
      userAgent: "tester/1.0",
      user: ADMIN,
      host: "127.0.0.1:15019",
      body: { bytes, contentType },
      ...rest,
    });
  }

  async ask(method: string, target: string, body?: Json | Buffer, asked: Asked = {}): Promise<Reply> {
    const response = await this.respond(method, target, body, asked);
    if (response.is === "watch") throw new Error("a watch has no body");
    return { code: response.code, body: JSON.parse(String(response.text)) as JsonObject, warnings: response.warnings };
  }
}

export function virtualService(name: string, spec: JsonObject = route("reviews"), metadata: JsonObject = {}): JsonObject {
  return { apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata: { name, ...metadata }, spec };
}

export function route(host: string, timeout?: string): JsonObject {
  return { hosts: [host], http: [{ route: [{ destination: { host } }], ...(timeout === undefined ? {} : { timeout }) }] };
}

/** What a refusal says: its code, reason, and the causes with their fields. */
export function refusalOf({ code, body }: Reply): string {
  return `${code} ${textAt(body, "reason")}: ${textAt(body, "message")}`;
}
