// Values as YAML. Loaded when a command prints YAML: the package takes longer to load than most commands to run.
import { createRequire } from "node:module";
import type * as Yaml from "yaml";

const require = createRequire(import.meta.url);

export function yamlText(value: unknown, options: Yaml.ToStringOptions & Yaml.CreateNodeOptions = {}): string {
  const { stringify } = require("yaml") as typeof Yaml;
  return stringify(value, options);
}
