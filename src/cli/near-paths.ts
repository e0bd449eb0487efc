// Files as the reader of a terminal would type them: what lies below the working directory is named from there, so that a terminal
// or editor opens `samples/bookinfo/x.yaml:3:5` on a click. Pure.

export function nearPaths(text: string, workingDirectory: string): string {
  const folder = workingDirectory.endsWith("/") ? workingDirectory : `${workingDirectory}/`;
  // In the root every path is near already.
  if (folder === "/") return text;
  return text
    .split(/(?<=^|[\s"'(])(?=\/)/)
    .map((part) => (part.startsWith(folder) ? part.slice(folder.length) : part))
    .join("");
}
