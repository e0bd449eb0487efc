// Answers that the proxy gives itself: another address, or a fixed response.
import { create } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import {
  RedirectAction_RedirectResponseCode as RedirectCode,
  DirectResponseActionSchema,
  RedirectActionSchema,
  type DirectResponseAction,
  type RedirectAction,
} from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import type { HTTPDirectResponse, HTTPRedirect } from "#api/virtual-service";
import type { RouteContext } from "./route-context.ts";

const REDIRECT_CODES: Readonly<Record<number, RedirectCode>> = {
  301: RedirectCode.MOVED_PERMANENTLY,
  302: RedirectCode.FOUND,
  303: RedirectCode.SEE_OTHER,
  307: RedirectCode.TEMPORARY_REDIRECT,
  308: RedirectCode.PERMANENT_REDIRECT,
};

export function redirectAction(redirect: HTTPRedirect, { port: callerPort, endsTls }: RouteContext): RedirectAction {
  const written = redirect.scheme ?? "";
  const scheme = written === "" ? (endsTls ? "https" : "http") : written;
  // Envoy cannot derive a port from the request, but routes are made for one port each: that one is meant.
  let port = redirect.derivePort === "FROM_REQUEST_PORT" ? callerPort : (redirect.port ?? 0);
  // A scheme's own port is not written out.
  if ((port === 80 && scheme === "http") || (port === 443 && scheme === "https")) port = 0;
  return create(RedirectActionSchema, {
    hostRedirect: redirect.authority ?? "",
    portRedirect: port,
    responseCode: REDIRECT_CODES[redirect.redirectCode ?? 301] ?? RedirectCode.MOVED_PERMANENTLY,
    pathRewriteSpecifier:
      redirect.prefixRewrite === undefined || redirect.prefixRewrite === ""
        ? { case: "pathRedirect", value: redirect.uri ?? "" }
        : { case: "prefixRewrite", value: redirect.prefixRewrite },
    ...(written === "" ? {} : { schemeRewriteSpecifier: { case: "schemeRedirect", value: written } }),
  });
}

export function directResponseAction(response: HTTPDirectResponse): DirectResponseAction {
  const body = response.body;
  return create(DirectResponseActionSchema, {
    status: response.status,
    ...(body?.string === undefined ? {} : { body: { specifier: { case: "inlineString", value: body.string } } }),
    ...(body?.bytes === undefined ? {} : { body: { specifier: { case: "inlineBytes", value: base64Decode(body.bytes) } } }),
  });
}
