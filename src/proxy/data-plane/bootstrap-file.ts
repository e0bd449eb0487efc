// A bootstrap as somebody wrote it: YAML or JSON, checked as a whole, static resources included, before anything runs. Each problem is
// named with its place in the text and its field.
import type { JsonObject } from "@bufbuild/protobuf";
import { create, toBinary, toJson } from "@bufbuild/protobuf";
import { decodeMessage } from "#envoy/decode";
import { BootstrapSchema } from "#envoy/gen/envoy/config/bootstrap/v3/bootstrap_pb";
import type { Bootstrap } from "#envoy/gen/envoy/config/bootstrap/v3/bootstrap_pb";
import { NodeSchema } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { configRegistry } from "#envoy/config-registry";
import { ConfigError } from "#proxy/config-error";
import type { ConfigViolation } from "#proxy/config-error";
import { checkFields, Violations } from "#proxy/field-check";
import type { ListenAddress } from "#proxy/listener/listen-address";
import { MessageText } from "#proxy/message-text";
import { addressText } from "#proxy/net/socket-address";
import { knownServers, readBootstrap } from "./bootstrap.ts";
import { placeOf } from "./listener-sockets.ts";
import { COMPILERS } from "./composition.ts";
import { resourceChecks } from "./resource-checks.ts";

export interface BootstrapText {
  /** As the user would type it. */
  readonly name: string;
  readonly text: string;
}

export interface NodeNames {
  /** They win over the file. */
  readonly id?: string | undefined;
  readonly cluster?: string | undefined;
}

/** Several are merged, the last one wins. Gives the JSON form. @throws ConfigError that names file, line and field */
export function bootstrapOfText(texts: readonly BootstrapText[], names: NodeNames): JsonObject {
  const read = texts.map(({ name, text }) => new MessageText(name, text));
  const parts = read.map((text) => toBinary(BootstrapSchema, text.read(BootstrapSchema, configRegistry)));
  // Concatenated messages are merged messages.
  const wire = decodeMessage(BootstrapSchema, Buffer.concat(parts));
  if (names.id !== undefined) wire.node = { ...nodeOf(wire), id: names.id };
  if (names.cluster !== undefined) wire.node = { ...nodeOf(wire), cluster: names.cluster };
  placedProblems(read, problemsOf(wire)).throwIfAny("Bootstrap");
  return toJson(BootstrapSchema, wire, { registry: configRegistry, useProtoFieldName: true }) as JsonObject;
}

/** What showed up only when the bootstrap was put into effect, with its place in the texts. */
export function withPlaces(error: ConfigError, texts: readonly BootstrapText[]): ConfigError {
  const read = texts.map(({ name, text }) => new MessageText(name, text));
  return new ConfigError("Bootstrap", listOf(placedProblems(read, error.violations)));
}

function placedProblems(texts: readonly MessageText[], problems: readonly ConfigViolation[]): Violations {
  const placed = new Violations();
  const place = (path: string): string => texts.map((text) => text.place(path)).join(" or ");
  for (const { path, message } of problems) placed.add(`${place(path)}: ${path === "" ? "bootstrap" : path}`, message);
  return placed;
}

function nodeOf(wire: Bootstrap): NonNullable<Bootstrap["node"]> {
  return wire.node ?? create(NodeSchema);
}

function problemsOf(wire: Bootstrap): readonly ConfigViolation[] {
  const problems = new Violations();
  // Static resources are checked one by one below.
  const { staticResources: _, ...alone } = wire;
  checkFields(BootstrapSchema, alone, "", problems);
  try {
    const config = readBootstrap(wire);
    const checks = resourceChecks(COMPILERS, new ListenAddresses(), knownServers(config));
    const { clusters, listeners, secrets } = config.staticResources;
    const check = (field: string, resources: Iterable<{ readonly bytes: Uint8Array; readonly name: string }>, by: Check): void => {
      let index = 0;
      for (const { bytes, name } of resources) gather(problems, `static_resources.${field}[${index++}]`, () => by(bytes, name));
    };
    check("clusters", clusters, (bytes) => checks.cluster(bytes));
    check("listeners", listeners, (bytes) => checks.listener(bytes, new Set()));
    check("secrets", secrets.values(), (bytes, name) => checks.secret(bytes, name));
  } catch (error) {
    problems.addFrom(error, "");
  }
  return listOf(problems);
}

/** Nothing is bound, but no two listeners have one address. */
class ListenAddresses {
  readonly #owners = new Map<string, string>();

  reserve(name: string, places: readonly ListenAddress[]): void {
    const violations = new Violations();
    for (const [index, { address }] of places.entries()) {
      const place = placeOf(address, name);
      const owner = this.#owners.get(place);
      if (owner === undefined) this.#owners.set(place, name);
      else if (owner !== name)
        violations.add(
          index === 0 ? "address" : `additional_addresses[${index - 1}].address`,
          `${addressText(address)} belongs to listener "${owner}"`,
        );
    }
    violations.throwIfAny(`listener "${name}"`);
  }
}

type Check = (bytes: Uint8Array, name: string) => unknown;

function gather(problems: Violations, at: string, check: () => unknown): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const { path, message } of error.violations) problems.add(path === "" ? at : `${at}.${path}`, message);
  }
}

function listOf(violations: Violations): ConfigViolation[] {
  const list: ConfigViolation[] = [];
  violations.tell((path, message) => list.push({ path, message }));
  return list;
}
