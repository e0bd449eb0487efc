// Bookinfo on a port of the test's choice: its Gateway says 80 (or, in Istio's own file, 8080).

/** The YAML with the port of its Gateway servers changed. */
export function withGatewayPort(yaml: string, port: number): string {
  return yaml.replace(/(port:\s*\n\s*number: )(?:80|8080)\b/g, `$1${port}`);
}
