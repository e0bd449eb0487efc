// The findings of the running mesh, as its control plane holds them.
import type { Finding } from "#api/finding";
import { compareFindings } from "#control-plane/analysis/analyze";
import { requireClient, type DataDirectoryOption } from "./data-directory.ts";
import { httpGet } from "./http-get.ts";

export async function liveFindings(option: DataDirectoryOption): Promise<readonly Finding[]> {
  const status = await requireClient(option).client.status();
  const text = await httpGet("the control plane", "127.0.0.1", status.controlPlane.httpPort, "/debug/findings");
  return (JSON.parse(text) as readonly Finding[]).toSorted(compareFindings);
}
