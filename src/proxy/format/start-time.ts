// %START_TIME% and its strftime subset, compiled once. Times are UTC, as in Envoy.

export type TimeFormatter = (wallMs: number) => string;

const pad = (value: number, width: number): string => String(value).padStart(width, "0");
const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

const SPECIFIERS: Readonly<Record<string, (date: Date) => string>> = {
  "%": () => "%",
  Y: (date) => String(date.getUTCFullYear()),
  m: (date) => pad(date.getUTCMonth() + 1, 2),
  d: (date) => pad(date.getUTCDate(), 2),
  e: (date) => String(date.getUTCDate()).padStart(2, " "),
  H: (date) => pad(date.getUTCHours(), 2),
  M: (date) => pad(date.getUTCMinutes(), 2),
  S: (date) => pad(date.getUTCSeconds(), 2),
  T: (date) => date.toISOString().slice(11, 19),
  F: (date) => date.toISOString().slice(0, 10),
  a: (date) => DAYS[date.getUTCDay()] as string,
  b: (date) => MONTHS[date.getUTCMonth()] as string,
  z: () => "+0000",
  Z: () => "UTC",
  s: (date) => String(Math.floor(date.getTime() / 1000)),
  f: (date) => pad(date.getUTCMilliseconds(), 3) + "000000",
};

/** `2026-11-23T07:00:00.123Z`, computed once a millisecond at most. */
function isoTime(): TimeFormatter {
  let lastMs = Number.NaN;
  let last = "";
  return (wallMs) => {
    if (wallMs !== lastMs) {
      lastMs = wallMs;
      last = new Date(wallMs).toISOString();
    }
    return last;
  };
}

/** @throws Error naming the specifier that is not served */
export function compileTimeFormat(format: string): TimeFormatter {
  if (format === "") return isoTime();
  const parts: (string | ((date: Date) => string))[] = [];
  let literal = "";
  for (let i = 0; i < format.length; i++) {
    if (format[i] !== "%") {
      literal += format[i];
      continue;
    }
    let specifier = format[++i] ?? "";
    let digits = 9;
    // %3f, %6f, %9f: fractions of the second with that many digits; %3s and so on: since the epoch.
    if (specifier >= "1" && specifier <= "9") {
      digits = Number(specifier);
      specifier = format[++i] ?? "";
      if (specifier !== "f" && specifier !== "s") throw new Error(`time specifier "%${digits}${specifier}" is not served`);
      if (specifier === "s") {
        parts.push(literal, (date) =>
          String(date.getTime())
            .padEnd(10 + digits, "0")
            .slice(0, 10 + digits),
        );
        literal = "";
        continue;
      }
    }
    const make = SPECIFIERS[specifier];
    if (make === undefined) throw new Error(`time specifier "%${specifier}" is not served`);
    parts.push(literal, specifier === "f" ? (date): string => make(date).slice(0, digits) : make);
    literal = "";
  }
  parts.push(literal);
  return (wallMs) => {
    const date = new Date(wallMs);
    let out = "";
    for (const part of parts) out += typeof part === "string" ? part : part(date);
    return out;
  };
}
