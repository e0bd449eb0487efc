// Kubernetes' rules for a Service, as far as they decide what the mesh makes of it.
import type { ServicePort, ServiceSpec } from "#api/service";
import { checkLabels } from "#api/validation/common-rules";
import { domainFault, isDnsLabel, portFault } from "#api/validation/names";
import type { Check } from "#api/validation/violations";

export function validateService(spec: ServiceSpec, check: Check): void {
  const ports = spec.ports ?? [];
  const external = spec.type === "ExternalName";
  const headless = spec.clusterIP === "None";
  if (ports.length === 0 && !external && !headless) check.at("ports").error("a Service needs at least one port");
  if (external) check.at("externalName").refuse(domainFault(spec.externalName ?? ""));
  checkLabels(spec.selector, check.at("selector"));
  const names = new Set<string>();
  const numbers = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const at = check.at("ports", index);
    checkPort(port, at);
    const name = port.name ?? "";
    if (name === "" && ports.length > 1) at.error("needs a name when there are several ports", "add name, for example http");
    if (name !== "" && names.has(name)) at.at("name").error(`${JSON.stringify(name)} stands twice`);
    names.add(name);
    const number = `${port.protocol ?? "TCP"} ${port.port}`;
    if (numbers.has(number)) at.at("port").error(`${number} stands twice`);
    numbers.add(number);
  }
}

function checkPort(port: ServicePort, check: Check): void {
  check.at("port").refuse(portFault(port.port));
  if (port.name !== undefined && port.name !== "" && (!isDnsLabel(port.name) || port.name !== port.name.toLowerCase())) {
    check.at("name").error(`${JSON.stringify(port.name)} is no port name`, "use lower-case letters, digits and -");
  }
  if (typeof port.targetPort === "number") check.at("targetPort").refuse(portFault(port.targetPort));
  else if (
    port.targetPort === "" ||
    (port.targetPort !== undefined && !/^(?=.*[a-z])[a-z0-9](?:[a-z0-9-]{0,13}[a-z0-9])?$/u.test(port.targetPort))
  ) {
    check.at("targetPort").error(`${JSON.stringify(port.targetPort)} is no port name`, "use at most 15 lower-case letters, digits and -");
  }
  if (port.nodePort !== undefined && port.nodePort !== 0) check.at("nodePort").refuse(portFault(port.nodePort));
}
