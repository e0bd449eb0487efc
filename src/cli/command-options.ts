// Options that many commands have, in commander's form.

export const DATA_DIR = [
  "--data-dir <dir>",
  "where the mesh keeps its state (MIZZEN_DATA_DIR, default $XDG_STATE_HOME/mizzen or ~/.local/state/mizzen)",
] as const;

/** For an option that may be repeated. */
export function several(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}
