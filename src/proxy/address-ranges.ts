// CIDR ranges of a proxy resource: matcher/cidr.ts with the proxy's way of refusing configuration.
import { compileAddressRanges as compile } from "#matcher/cidr";
import type { AddressRange } from "#matcher/cidr";
import { ConfigError } from "./config-error.ts";

/** @throws ConfigError naming the range that is not valid */
export function compileAddressRanges(ranges: readonly AddressRange[], path: string): (address: string) => boolean {
  try {
    return compile(ranges);
  } catch (error) {
    throw new ConfigError("address ranges", [{ path, message: error instanceof Error ? error.message : String(error) }]);
  }
}
