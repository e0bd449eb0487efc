// Localities: `region/zone/sub-zone`, each part optional.

export interface Locality {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
}

export function localityOf(text: string): Locality {
  const [region = "", zone = "", ...rest] = text.split("/");
  return { region, zone, subZone: rest.join("/") };
}

/** Whether a locality is within a rule's: a part that is missing or `*` takes all. */
export function isWithin({ region, zone, subZone }: Locality, rule: string): boolean {
  const wanted = localityOf(rule);
  const takes = (pattern: string, part: string): boolean => pattern === "" || pattern === "*" || pattern === part;
  return takes(wanted.region, region) && takes(wanted.zone, zone) && takes(wanted.subZone, subZone);
}

/** 0: the same; 1: another sub-zone; 2: another zone; 3: another region. */
export function distance(a: Locality, b: Locality): number {
  if (a.region !== b.region) return 3;
  if (a.zone !== b.zone) return 2;
  return a.subZone === b.subZone ? 0 : 1;
}
