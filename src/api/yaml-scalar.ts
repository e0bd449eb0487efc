// What a plain YAML scalar stands for, as Kubernetes reads it (YAML 1.1 booleans, 0777 is octal), which is how every file that
// Istio accepts was tried: `yes` is a boolean there, and so an error where a string is wanted.

export type ScalarValue = string | number | boolean | null;

const words = new Map<string, boolean | null>([
  ["", null],
  ["~", null],
]);
for (const word of ["null"]) spell(word, null);
for (const word of ["true", "yes", "on", "y"]) spell(word, true);
for (const word of ["false", "no", "off", "n"]) spell(word, false);

function spell(word: string, value: boolean | null): void {
  words.set(word, value);
  words.set(word[0]?.toUpperCase() + word.slice(1), value);
  words.set(word.toUpperCase(), value);
}

const decimal = /^[-+]?(?:\d[\d_]*)(?:\.[\d_]*)?(?:[eE][-+]?\d+)?$|^[-+]?\.\d[\d_]*(?:[eE][-+]?\d+)?$/u;
const octal = /^([-+]?)0o?([0-7_]+)$/u;
const based = /^([-+]?)(0x[\dA-Fa-f_]+|0b[01_]+)$/u;

export function resolvePlain(text: string): ScalarValue {
  const first = text.charCodeAt(0);
  const numeric = (first >= 48 && first <= 57) || first === 43 || first === 45 || first === 46;
  if (!numeric) {
    const word = words.get(text);
    return word === undefined ? text : word;
  }
  const inOctal = octal.exec(text);
  if (inOctal !== null) return signed(inOctal[1], `0o${inOctal[2] ?? ""}`);
  if (decimal.test(text)) return Number(text.replaceAll("_", ""));
  const inBase = based.exec(text);
  if (inBase !== null) return signed(inBase[1], inBase[2] ?? "");
  if (/^[-+]?\.inf$/iu.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  if (/^\.nan$/iu.test(text)) return Number.NaN;
  return text;
}

function signed(sign: string | undefined, digits: string): number {
  const value = Number(digits.replaceAll("_", ""));
  return sign === "-" ? -value : value;
}
