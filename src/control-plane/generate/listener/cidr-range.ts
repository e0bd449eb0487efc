// Addresses and networks as Envoy's filter chain matches have them.
import { create } from "@bufbuild/protobuf";
import { CidrRangeSchema, type CidrRange } from "#envoy/gen/envoy/config/core/v3/address_pb";
import { isIpv6 } from "./ip-families.ts";

/** `10.0.0.7` is a network of one; undefined for a text that is neither address nor network. The address stays as it is written. */
export function cidrRange(text: string): CidrRange | undefined {
  const slash = text.indexOf("/");
  const addressPrefix = slash < 0 ? text : text.slice(0, slash);
  const bits = addressBits(addressPrefix);
  if (bits === undefined) return undefined;
  const prefixLen = slash < 0 ? bits.length : Number(text.slice(slash + 1));
  return prefixLen >= 0 && prefixLen <= bits.length ? create(CidrRangeSchema, { addressPrefix, prefixLen }) : undefined;
}

/** Equal for texts that mean the same network: 10.1.2.3/8 and 10.0.0.0/8. */
export function networkKey({ addressPrefix, prefixLen = 0 }: CidrRange): string {
  return `${(addressBits(addressPrefix) ?? "").slice(0, prefixLen)}/${isIpv6(addressPrefix) ? 6 : 4}`;
}

function addressBits(address: string): string | undefined {
  return isIpv6(address) ? ipv6Bits(address) : ipv4Bits(address);
}

function ipv4Bits(address: string): string | undefined {
  const parts = address.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/u.test(part) && Number(part) < 256)) return undefined;
  return parts.map((part) => Number(part).toString(2).padStart(8, "0")).join("");
}

function ipv6Bits(address: string): string | undefined {
  const halves = address.split("::");
  if (halves.length > 2) return undefined;
  const [head = [], tail = []] = halves.map(groups);
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const all = [...head, ...Array.from({ length: missing }, () => "0"), ...tail];
  if (!all.every((group) => /^[0-9a-f]{1,4}$/iu.test(group))) return undefined;
  return all.map((group) => Number.parseInt(group, 16).toString(2).padStart(16, "0")).join("");
}

/** An IPv4 address at the end stands for two groups. */
function groups(half: string): string[] {
  if (half === "") return [];
  return half.split(":").flatMap((group) => {
    const bits = group.includes(".") ? ipv4Bits(group) : undefined;
    return bits === undefined ? [group] : [bits.slice(0, 16), bits.slice(16)].map((word) => Number.parseInt(word, 2).toString(16));
  });
}
