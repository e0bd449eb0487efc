// Lists of tokens in header values (RFC 9110 5.6.1).

/** `token` in lower case. */
export function hasToken(value: string | undefined, token: string): boolean {
  return value !== undefined && value.split(",").some((one) => one.trim().toLowerCase() === token);
}
