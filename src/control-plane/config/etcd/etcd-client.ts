// etcd's v3 API over gRPC: calls that end within a bounded time, on the endpoint that answers, and watches. A refusal that clients of
// the store can do something about is a StatusError; nothing here knows what an object is.
import { readFileSync } from "node:fs";
import { fromBinary, toBinary, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { Client, credentials, Metadata, status, type ClientDuplexStream, type MethodDefinition, type ServiceError } from "@grpc/grpc-js";
import {
  DeleteRangeRequestSchema,
  DeleteRangeResponseSchema,
  PutRequestSchema,
  PutResponseSchema,
  RangeRequestSchema,
  RangeResponseSchema,
  TxnRequestSchema,
  TxnResponseSchema,
  WatchRequestSchema,
  WatchResponseSchema,
  type WatchRequest,
  type WatchResponse,
} from "#envoy/gen/etcdserverpb/rpc_pb";
import { StatusError } from "#control-plane/config/status-error";
import type { Clock } from "#runtime/clock";

export interface EtcdClientOptions {
  /** `http://host:2379` or, with TLS, `https://host:2379`; each a member of one cluster. */
  readonly endpoints: readonly string[];
  /** Files in PEM form: who vouches for the servers, and who we are. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly clock: Clock;
  /** A call that takes longer has failed. */
  readonly callMs?: number;
}

const CALL_MS = 5_000;
/** A page of a range may hold large objects. */
const MAX_MESSAGE_BYTES = 256 * 1024 * 1024;

function method<Request extends DescMessage, Response extends DescMessage>(
  path: string,
  request: Request,
  response: Response,
): MethodDefinition<MessageShape<Request>, MessageShape<Response>> {
  return {
    path,
    requestStream: false,
    responseStream: false,
    requestSerialize: (message) => Buffer.from(toBinary(request, message)),
    requestDeserialize: (bytes) => fromBinary(request, bytes),
    responseSerialize: (message) => Buffer.from(toBinary(response, message)),
    responseDeserialize: (bytes) => fromBinary(response, bytes),
  };
}

export const RANGE = method("/etcdserverpb.KV/Range", RangeRequestSchema, RangeResponseSchema);
export const PUT = method("/etcdserverpb.KV/Put", PutRequestSchema, PutResponseSchema);
export const DELETE_RANGE = method("/etcdserverpb.KV/DeleteRange", DeleteRangeRequestSchema, DeleteRangeResponseSchema);
export const TXN = method("/etcdserverpb.KV/Txn", TxnRequestSchema, TxnResponseSchema);
const WATCH = method("/etcdserverpb.Watch/Watch", WatchRequestSchema, WatchResponseSchema);

/** Without a leader a member knows nothing new: better another one. */
const REQUIRE_LEADER = new Metadata();
REQUIRE_LEADER.set("hasleader", "true");

interface Member {
  readonly endpoint: string;
  readonly client: Client;
}

function connect(endpoint: string, tls: EtcdClientOptions["tls"]): Client {
  const url = new URL(endpoint);
  const pem = (file: string | undefined): Buffer | null => (file === undefined ? null : readFileSync(file));
  const secure = url.protocol === "https:";
  if (!secure && url.protocol !== "http:") throw new Error(`${endpoint} is no address of etcd: begin it with http:// or https://`);
  const channel = secure ? credentials.createSsl(pem(tls?.ca), pem(tls?.key), pem(tls?.cert)) : credentials.createInsecure();
  return new Client(url.host, channel, {
    "grpc.enable_http_proxy": 0,
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    // A connection that a firewall dropped without a word is noticed; etcd refuses pings more often than every 5 s.
    "grpc.keepalive_time_ms": 10_000,
    "grpc.keepalive_timeout_ms": 5_000,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 2_000,
  });
}

export class EtcdClient {
  readonly #options: EtcdClientOptions;
  readonly #members: readonly Member[];
  #current = 0;

  /** @throws Error for an address or a file that is none */
  constructor(options: EtcdClientOptions) {
    this.#options = options;
    this.#members = options.endpoints.map((endpoint) => ({ endpoint, client: connect(endpoint, options.tls) }));
    if (this.#members.length === 0) throw new Error("etcd needs an address");
  }

  /** Tries each member once before it gives up. @throws StatusError */
  async call<Request, Response>(definition: MethodDefinition<Request, Response>, request: Request): Promise<Response> {
    const deadlineMs = this.#options.clock.wallMs() + (this.#options.callMs ?? CALL_MS);
    for (let attempt = 1; ; attempt++) {
      const member = this.#member();
      try {
        return await unary(member.client, definition, request, deadlineMs);
      } catch (error) {
        const { code } = error as ServiceError;
        if (code !== status.UNAVAILABLE) throw refusal(error as ServiceError, member.endpoint);
        this.#next(member);
        if (attempt >= this.#members.length) throw refusal(error as ServiceError, this.#options.endpoints.join(", "));
      }
    }
  }

  /** The stream fails when the member goes away or loses its leader; then the next one is on another member. */
  watch(request: WatchRequest): ClientDuplexStream<WatchRequest, WatchResponse> {
    const member = this.#member();
    const stream = member.client.makeBidiStreamRequest(WATCH.path, WATCH.requestSerialize, WATCH.responseDeserialize, REQUIRE_LEADER, {});
    stream.on("error", () => this.#next(member));
    stream.write(request);
    return stream;
  }

  close(): void {
    for (const { client } of this.#members) client.close();
  }

  #member(): Member {
    return this.#members[this.#current % this.#members.length] as Member;
  }

  #next(failed: Member): void {
    if (this.#member() === failed) this.#current++;
  }
}

function unary<Request, Response>(
  client: Client,
  { path, requestSerialize, responseDeserialize }: MethodDefinition<Request, Response>,
  request: Request,
  deadline: number,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, new Metadata(), { deadline }, (error, response) => {
      if (error !== null) reject(error);
      else if (response === undefined) reject(new Error("etcd answered nothing"));
      else resolve(response);
    });
  });
}

function refusal(error: ServiceError, endpoint: string): StatusError {
  const why = error.details === "" ? error.message : error.details;
  switch (error.code) {
    case status.UNAVAILABLE:
    case status.DEADLINE_EXCEEDED:
    case status.CANCELLED:
      return StatusError.unavailable(`etcd at ${endpoint} does not answer (${why}); look with a get whether a write was kept`, error);
    case status.RESOURCE_EXHAUSTED:
      return new StatusError("InternalError", `nothing was stored: etcd at ${endpoint} is full (${why}); compact and defragment it`, {
        cause: error,
      });
    case status.INVALID_ARGUMENT:
      return new StatusError("RequestEntityTooLarge", `nothing was stored: etcd at ${endpoint} refuses a set so large (${why})`, {
        cause: error,
      });
    default:
      return new StatusError("InternalError", `etcd at ${endpoint} refused a call (${why})`, { cause: error });
  }
}
