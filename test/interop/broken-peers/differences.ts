// Where two proxies part over one scene.
import type { Seen } from "./stage.ts";

/** One line for each thing that only one of them shows; none when they agree. */
export function differences(ours: Seen, envoys: Seen): readonly string[] {
  return (["clients", "hosts", "log", "stats"] as const).flatMap((part) => {
    const left = [...envoys[part]];
    const onlyOurs = ours[part].filter((line) => {
      const at = left.indexOf(line);
      if (at >= 0) left.splice(at, 1);
      return at < 0;
    });
    return [...onlyOurs.map((line) => `${part}, ours: ${line}`), ...left.map((line) => `${part}, Envoy's: ${line}`)];
  });
}
