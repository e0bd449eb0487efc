import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualHost_TlsRequirementType as TlsRequirement, type Route } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { virtualHost } from "./route-configuration.ts";

test("a virtual host is the same one as long as nothing of it changes", () => {
  const routes: readonly Route[] = [];
  const host = virtualHost("a.com:80", ["a.com"], routes, { includeRequestAttemptCount: true });
  assert.equal(virtualHost("a.com:80", ["a.com"], routes, { includeRequestAttemptCount: true, httpsRedirect: false }), host);
  const others = [
    virtualHost("a.com:81", ["a.com"], routes, { includeRequestAttemptCount: true }),
    virtualHost("a.com:80", ["a.com", "b.com"], routes, { includeRequestAttemptCount: true }),
    virtualHost("a.com:80", ["a.com"], routes, { includeRequestAttemptCount: false }),
    virtualHost("a.com:80", ["a.com"], [], { includeRequestAttemptCount: true }),
    virtualHost("a.com:80", ["a.com"], routes, { includeRequestAttemptCount: true, httpsRedirect: true }),
  ];
  assert.equal(new Set([host, ...others]).size, 6);
  assert.equal(host.requireTls, TlsRequirement.NONE);
  assert.equal(others[4]?.requireTls, TlsRequirement.ALL);
});
