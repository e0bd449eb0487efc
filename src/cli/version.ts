// `mizzen version`: in the form of `istioctl version` where a program reads it.
import { CommandError } from "./command-error.ts";
import { packageVersion } from "./program-place.ts";
import { yamlText } from "./yaml-text.ts";

export interface VersionOptions {
  readonly output?: string;
}

export function version(options: VersionOptions): void {
  const output = options.output ?? "text";
  const document = {
    clientVersion: { version: packageVersion(), node_version: process.version, platform: `${process.platform}/${process.arch}` },
  };
  if (output === "text") process.stdout.write(`mizzen ${packageVersion()}\n`);
  else if (output === "json") process.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
  else if (output === "yaml") process.stdout.write(yamlText(document));
  else throw new CommandError(`-o ${output} is not one of text, json, yaml`, 2);
}
