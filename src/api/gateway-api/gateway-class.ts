// GatewayClass, and XMesh, which says of a mesh what a GatewayClass says of gateways.
import { field, required, type Decoded } from "#api/declaration";
import { structure, text } from "#api/structure";
import { controllerName, parametersReference } from "./references.ts";

const description = field(text({ maxLength: 64 }), "What it is, for people");

export const gatewayClass = structure("GatewayClass", {
  controllerName: required(controllerName, "Who serves Gateways of this class"),
  parametersRef: field(parametersReference, "An object with settings of the class"),
  description,
});
export type GatewayClassSpec = Decoded<typeof gatewayClass>;

export const xMesh = structure("XMesh", {
  controllerName: required(controllerName, "Who serves the mesh"),
  parametersRef: field(parametersReference, "An object with settings of the mesh"),
  description,
});
