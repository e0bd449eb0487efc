// Names and references of the Gateway API, with the limits of its schemas. Patterns that would be slow here are written otherwise and
// mean the same.
import { field, required, type Decoded, type Type } from "#api/declaration";
import { portNumber, structure, text } from "#api/structure";

export const gatewayApiGroup = "gateway.networking.k8s.io";

const label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const subdomain = `${label}(\\.${label})*`;

export const objectName = text({ minLength: 1, maxLength: 253 });
export const namespaceName = text({ minLength: 1, maxLength: 63, pattern: `^${label}$`, says: "a namespace's name" });
export const kindName = text({ minLength: 1, maxLength: 63, pattern: "^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$", says: "the name of a kind" });
export const groupName = text({ maxLength: 253, pattern: `^$|^${subdomain}$`, says: 'an API group ("" is the core)' });
export const sectionName = text({ minLength: 1, maxLength: 253, pattern: `^${subdomain}$`, says: "lower-case letters, digits, - and ." });
export const hostname = text({
  minLength: 1,
  maxLength: 253,
  pattern: `^(\\*\\.)?${subdomain}$`,
  says: "a host name in lower case, or *. and one",
});
export const preciseHostname = text({ minLength: 1, maxLength: 253, pattern: `^${subdomain}$`, says: "a host name in lower case" });
export const controllerName = text({
  minLength: 1,
  maxLength: 253,
  pattern: `^${subdomain}\\/[A-Za-z0-9\\/\\-._~%!$&'()*+,;=:]+$`,
  says: "a domain and a path, such as example.com/name",
});
export const annotationValue = text({ maxLength: 4096 });
export const labelValue = text({ maxLength: 63, pattern: "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$", says: "a label's value" });

/** Hours, minutes, seconds and milliseconds in whole numbers; decoded to milliseconds. */
export const gatewayApiDuration: Type<number> = { shape: { kind: "duration", pattern: "^([0-9]{1,5}(h|m|s|ms)){1,4}$" } };

export const localObjectReference = structure("LocalObjectReference", {
  group: required(groupName, 'The API group; "" is the core'),
  kind: required(kindName, "The kind"),
  name: required(objectName, "The name"),
});
export type LocalObjectReference = Decoded<typeof localObjectReference>;

export const objectReference = structure("ObjectReference", {
  group: required(groupName, 'The API group; "" is the core'),
  kind: required(kindName, "The kind"),
  name: required(objectName, "The name"),
  namespace: field(namespaceName, "The namespace; the own one when it is left out"),
});

export const parametersReference = structure("ParametersReference", {
  group: required(groupName, "The API group"),
  kind: required(kindName, "The kind"),
  name: required(objectName, "The name"),
  namespace: field(namespaceName, "The namespace, for kinds that have one"),
});

export const secretReference = structure("SecretObjectReference", {
  group: field(groupName, 'The API group; "" (the core) when it is left out'),
  kind: field(kindName, "The kind; Secret when it is left out"),
  name: required(objectName, "The name"),
  namespace: field(namespaceName, "The namespace; the own one when it is left out"),
});

export const parentReference = structure("ParentReference", {
  group: field(groupName, "The parent's API group; gateway.networking.k8s.io when it is left out"),
  kind: field(kindName, "The parent's kind; Gateway when it is left out"),
  namespace: field(namespaceName, "The parent's namespace; the own one when it is left out"),
  name: required(objectName, "The parent's name"),
  sectionName: field(sectionName, "One of its listeners or ports, by name"),
  port: field(portNumber, "One of its ports, by number"),
});
export type ParentReference = Decoded<typeof parentReference>;

export const backendReferenceFields = {
  group: field(groupName, 'The API group; "" (the core) when it is left out'),
  kind: field(kindName, "The kind; Service when it is left out"),
  name: required(objectName, "The name"),
  namespace: field(namespaceName, "The namespace; the own one when it is left out"),
  port: field(portNumber, "The port of the Service; needed for a Service"),
};
export const backendObjectReference = structure("BackendObjectReference", backendReferenceFields);
export type BackendObjectReference = Decoded<typeof backendObjectReference>;

export const policyTargetFields = {
  group: required(groupName, "The target's API group"),
  kind: required(kindName, "The target's kind"),
  name: required(objectName, "The target's name"),
};
