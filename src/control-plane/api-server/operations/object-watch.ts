// Watches as lines of JSON. What an event looks like is made once for all who get the same.
import type { ObjectStore, ObjectWatch, WatchEvent } from "#control-plane/config/object-store";
import { StatusError } from "#control-plane/config/status-error";
import type { StoredObject } from "#control-plane/config/stored-object";
import type { JsonObject } from "#control-plane/api-server/json";
import type { ResourcePath } from "#control-plane/api-server/request/api-path";
import { watchQuery } from "#control-plane/api-server/request/query";
import type { Clock, Timer } from "#runtime/clock";
import type { Random } from "#runtime/random";
import { asJson } from "./answer.ts";
import { inVersion } from "./versions.ts";

/** Where the client names no time: between half an hour and an hour, so that they do not all come back together. */
const MIN_SECONDS = 1_800;

export interface WatchForm {
  /** What is the same for whoever asks in this form and version. */
  readonly key: string;
  readonly of: (object: JsonObject) => JsonObject;
}

export interface WatchRequest {
  readonly store: ObjectStore;
  readonly path: ResourcePath;
  readonly query: URLSearchParams;
  readonly form: WatchForm;
  readonly clock: Clock;
  readonly random: Random;
}

export interface WatchLines extends AsyncIterable<string> {
  close(): void;
}

const TEXTS = new WeakMap<StoredObject, Map<string, string>>();

/** @throws StatusError before anything is told; later refusals are ERROR events */
export async function watchLines({ store, path, query, form, clock, random }: WatchRequest): Promise<WatchLines> {
  const { resource, namespace, name } = path;
  const { timeoutSeconds, fieldSelector, ...selection } = watchQuery(query);
  const byName = name === "" ? [] : [`metadata.name=${name}`];
  const selector = [...(fieldSelector === undefined ? [] : [fieldSelector]), ...byName].join(",");
  const watch = await store.watch(
    { group: resource.group, resource: resource.plural },
    { ...selection, ...(selector === "" ? {} : { fieldSelector: selector }), ...(namespace === "" ? {} : { namespace }) },
  );
  const seconds = timeoutSeconds ?? MIN_SECONDS + random.integer(MIN_SECONDS);
  const timer = clock.setTimer(seconds * 1000, () => watch.close(), true);
  return {
    close: () => {
      timer.cancel();
      watch.close();
    },
    [Symbol.asyncIterator]: () => lines(watch, path, form, timer),
  };
}

async function* lines(watch: ObjectWatch, path: ResourcePath, form: WatchForm, timer: Timer): AsyncGenerator<string, void, void> {
  try {
    for await (const event of watch) yield lineOf(event, path, form);
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    yield `${JSON.stringify({ type: "ERROR", object: error.status })}\n`;
  } finally {
    timer.cancel();
  }
}

function lineOf(event: WatchEvent, path: ResourcePath, form: WatchForm): string {
  if (event.type === "BOOKMARK") return `${JSON.stringify({ type: event.type, object: form.of(bookmark(event, path)) })}\n`;
  const { type, object } = event;
  let texts = TEXTS.get(object);
  if (texts === undefined) {
    texts = new Map();
    TEXTS.set(object, texts);
  }
  let text = texts.get(form.key);
  if (text === undefined) {
    text = JSON.stringify(form.of(inVersion(asJson(object), path.resource, path.version)));
    texts.set(form.key, text);
  }
  return `{"type":"${type}","object":${text}}\n`;
}

function bookmark(event: Extract<WatchEvent, { type: "BOOKMARK" }>, { resource, version }: ResourcePath): JsonObject {
  return {
    kind: resource.kind,
    apiVersion: resource.apiVersion(version),
    metadata: {
      resourceVersion: event.resourceVersion,
      ...(event.initialEventsEnd ? { annotations: { "k8s.io/initial-events-end": "true" } } : {}),
    },
  };
}
