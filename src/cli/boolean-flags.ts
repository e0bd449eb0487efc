// istioctl's switches may be written with their value (`--ignore-unknown=true`). Pure.

/** Each switch with =true as itself, with =false left out, or as `--no-...` where that is how it is switched off. */
export function plainFlags(args: readonly string[], switches: readonly string[], switchedOff: readonly string[]): readonly string[] {
  return args.flatMap((arg) => {
    const [, name = "", value] = /^--([a-z-]+)=(true|false)$/u.exec(arg) ?? [];
    if (switchedOff.includes(name)) return value === "false" ? `--no-${name}` : [];
    if (!switches.includes(name)) return arg;
    return value === "true" ? `--${name}` : [];
  });
}
