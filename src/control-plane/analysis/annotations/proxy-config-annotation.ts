// The annotation that holds a ProxyConfig, as YAML.
import { messageOf } from "#api/declaration";
import { decode } from "#api/decode";
import { meshConfig } from "#api/mesh-config";
import { readYaml } from "#api/yaml-source";

export function proxyConfigFault(text: string): string | undefined {
  const type = messageOf(meshConfig).fields.get("defaultConfig")?.type;
  for (const document of readYaml(text, "annotation")) {
    const broken = document.findings[0];
    if (broken !== undefined) return broken.message;
    if (document.root === undefined || type === undefined) continue;
    let first: string | undefined;
    decode(type.shape, document.root, [], ({ level, path, message }) => {
      if (level === "error") first ??= `${path.join(".")} ${message}`.trim();
    });
    if (first !== undefined) return first;
  }
  return undefined;
}
