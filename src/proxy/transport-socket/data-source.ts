// core.v3.DataSource: where PEM text or a key stands. Files are read when the configuration that names them is compiled, as in Envoy.
import { readFileSync } from "node:fs";
import { env } from "node:process";
import type { DataSource } from "#envoy/gen/envoy/config/core/v3/base_pb";
import type { ReportViolation } from "#matcher/string-matcher";

/** Undefined: not set, or reported. */
export function readDataSource(source: DataSource | undefined, path: string, report: ReportViolation): string | undefined {
  return readDataBytes(source, path, report)?.toString("utf8");
}

/** Undefined: not set, or reported. */
export function readDataBytes(source: DataSource | undefined, path: string, report: ReportViolation): Buffer | undefined {
  if (source === undefined) return undefined;
  const { specifier } = source;
  switch (specifier.case) {
    case "inlineString":
      return Buffer.from(specifier.value);
    case "inlineBytes":
      return Buffer.from(specifier.value);
    case "filename":
      try {
        return readFileSync(specifier.value);
      } catch (error) {
        report(`${path}.filename`, `"${specifier.value}" cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
        return undefined;
      }
    case "environmentVariable": {
      const value = env[specifier.value];
      if (value === undefined) report(`${path}.environment_variable`, `${specifier.value} is not set`);
      return value === undefined ? undefined : Buffer.from(value);
    }
    case undefined:
      report(path, "must say where the data is");
      return undefined;
  }
}
