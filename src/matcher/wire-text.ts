// Text from configuration is Unicode, text from the wire is bytes, kept as strings whose characters are all below 256.
// Whatever configuration text is compared with or written into headers goes through here once, when it is compiled.

/** The UTF-8 bytes of `text`, one character each. Pure ASCII, the usual case, comes back as it is. */
export function wireText(text: string): string {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 0x7f) return Buffer.from(text, "utf8").toString("latin1");
  }
  return text;
}

/** What the bytes of a header mean as UTF-8: for output that is Unicode, such as JSON logs. */
export function unicodeText(wire: string): string {
  for (let i = 0; i < wire.length; i++) {
    if (wire.charCodeAt(i) > 0x7f) return Buffer.from(wire, "latin1").toString("utf8");
  }
  return wire;
}

/** Lower case of ASCII letters only, as Envoy's ignore_case and header names: `İ` and its like must not change the length. */
export function asciiLower(text: string): string {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  }
  return text.toLowerCase();
}
