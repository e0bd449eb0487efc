// Istio's rules for load balancer settings and localities.
import type { LoadBalancerSettings, LocalityLoadBalancerSetting, ZoneAwareLoadBalancerSetting } from "./load-balancer.ts";
import type { OutlierDetection } from "#api/destination-rule";
import { checkDuration } from "#api/validation/common-rules";
import type { Check } from "#api/validation/violations";

const maxMaglevTableSize = 5_000_011;

export function checkLoadBalancer(settings: LoadBalancerSettings | undefined, outlier: OutlierDetection | undefined, check: Check): void {
  if (settings === undefined) return;
  checkConsistentHash(settings, check.at("consistentHash"));
  if (settings.localityLbSetting !== undefined && settings.zoneAwareLbSetting !== undefined) {
    check.error("cannot have both localityLbSetting and zoneAwareLbSetting");
  }
  checkLocality(settings.localityLbSetting, outlier, check.at("localityLbSetting"));
  checkZoneAware(settings.zoneAwareLbSetting, outlier, check.at("zoneAwareLbSetting"));
  const { warmup } = settings;
  if (warmup === undefined) return;
  checkDuration(warmup.duration, check.at("warmup", "duration"));
  if ((warmup.minimumPercent ?? 0) > 100) check.at("warmup", "minimumPercent").error("must be 100 or less");
  if (warmup.aggression !== undefined && warmup.aggression <= 0) check.at("warmup", "aggression").error("must be more than 0");
}

function checkConsistentHash(settings: LoadBalancerSettings, check: Check): void {
  const hash = settings.consistentHash;
  if (hash === undefined) return;
  const { httpCookie, maglev } = hash;
  if (httpCookie?.name === "") check.at("httpCookie", "name").error("must not be empty");
  const names = new Set<string>();
  for (const [index, attribute] of (httpCookie?.attributes ?? []).entries()) {
    const at = check.at("httpCookie", "attributes", index, "name");
    if (attribute.name === "") at.error("must not be empty");
    else if (names.has(attribute.name)) at.error(`${JSON.stringify(attribute.name)} stands twice`);
    names.add(attribute.name);
  }
  if ((hash.minimumRingSize ?? 0) !== 0) {
    check.at("minimumRingSize").warning("is deprecated", "use ringHash.minimumRingSize");
    if (hash.ringHash !== undefined || maglev !== undefined) check.at("minimumRingSize").error("cannot stand beside ringHash or maglev");
  }
  if (maglev === undefined) return;
  const size = maglev.tableSize ?? 0;
  if (size >= maxMaglevTableSize) check.at("maglev", "tableSize").error(`must be less than ${maxMaglevTableSize}`);
  else if (!isPrime(size)) check.at("maglev", "tableSize").error("must be a prime number", "for example 65537");
}

function isPrime(value: number): boolean {
  if (value < 4) return value !== 0;
  if (value % 2 === 0) return false;
  for (let factor = 3; factor * factor <= value; factor += 2) if (value % factor === 0) return false;
  return true;
}

const topologyLabels: ReadonlySet<string> = new Set([
  "topology.kubernetes.io/region",
  "topology.kubernetes.io/zone",
  "topology.istio.io/subzone",
]);

export function checkLocality(setting: LocalityLoadBalancerSetting | undefined, outlier: OutlierDetection | undefined, check: Check): void {
  if (setting === undefined) return;
  const distribute = setting.distribute ?? [];
  const failover = setting.failover ?? [];
  const priority = setting.failoverPriority ?? [];
  if (distribute.length > 0 && failover.length > 0) {
    check.error("cannot have both distribute and failover");
    return;
  }
  for (const [index, label] of priority.entries()) {
    if (failover.length > 0 && topologyLabels.has(label)) check.at("failoverPriority", index).error(`${label} is what failover is about`);
  }
  for (const [index, entry] of distribute.entries()) {
    const at = check.at("distribute", index, "to");
    let total = 0;
    for (const [locality, weight] of Object.entries(entry.to ?? {})) {
      if (weight < 1 || weight > 100) at.at(locality).error("must be between 1 and 100");
      total += weight;
    }
    if (total !== 100) at.error(`must be 100 together, is ${total}`);
    checkLocalities(Object.keys(entry.to ?? {}), at);
  }
  checkLocalities(
    distribute.map((entry) => entry.from ?? ""),
    check.at("distribute"),
  );
  checkFailover(failover, priority, outlier, check);
}

export function checkZoneAware(
  setting: ZoneAwareLoadBalancerSetting | undefined,
  outlier: OutlierDetection | undefined,
  check: Check,
): void {
  if (setting === undefined) return;
  const priority = setting.failoverPriority ?? [];
  for (const [index, label] of priority.entries()) {
    if (topologyLabels.has(label)) check.at("failoverPriority", index).error(`${label} counts by itself here`, "remove it");
  }
  checkFailover(setting.failover ?? [], priority, outlier, check);
}

function checkFailover(
  failover: readonly { readonly from?: string | undefined; readonly to?: string | undefined }[],
  priority: readonly string[],
  outlier: OutlierDetection | undefined,
  check: Check,
): void {
  if (failover.length + priority.length > 0 && outlier === undefined) check.warning("failover works only with outlierDetection");
  for (const [index, { from = "", to = "" }] of failover.entries()) {
    const at = check.at("failover", index);
    if (from === to) at.error("from and to must be different regions");
    if (from.includes("/") || to.includes("/")) at.error("names regions alone, without zones");
    if (from.includes("*") || to.includes("*")) at.error("a region has no wildcard");
  }
}

/** region/zone/sub-zone, a wildcard at the end only; none may lie within another. */
export function checkLocalities(localities: readonly string[], check: Check): void {
  const seen: string[][] = [];
  for (const locality of localities) {
    const parts = locality.split("/");
    const star = locality.indexOf("*");
    if (star !== -1 && star !== locality.length - 1) check.error(`${JSON.stringify(locality)}: a wildcard stands at the end`);
    else if (parts.includes("")) check.error(`${JSON.stringify(locality)} has an empty part`);
    const own = parts.at(-1) === "*" ? parts.slice(0, -1) : parts;
    if (seen.some((other) => overlaps(other, own))) check.error(`${JSON.stringify(locality)} overlaps with another one`);
    seen.push(own);
  }
}

function overlaps(a: readonly string[], b: readonly string[]): boolean {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) if (a[index] !== b[index]) return false;
  return true;
}
