// Which filters a proxy of this build knows: one table for the main thread's checks and for every traffic thread.
import { compileAccessLog } from "#proxy/access-log/access-log";
import { HTTP_FILTERS, UPSTREAM_HTTP_FILTERS } from "#proxy/filters/table";
import { httpConnectionManagerCompiler } from "#proxy/http/http-connection-manager";
import { connectionLimitCompiler } from "#proxy/listener/network-filters/connection-limit";
import { directResponseCompiler } from "#proxy/listener/network-filters/direct-response";
import { echoCompiler } from "#proxy/listener/network-filters/echo";
import { localRateLimitCompiler } from "#proxy/listener/network-filters/local-ratelimit";
import { networkRbacCompiler } from "#proxy/listener/network-filters/rbac";
import { networkSetFilterStateCompiler } from "#proxy/listener/network-filters/set-filter-state";
import { sniClusterCompiler } from "#proxy/listener/network-filters/sni-cluster";
import { tcpProxyCompiler } from "#proxy/listener/tcp-proxy";
import type { CompilerTables } from "./resource-checks.ts";

export const COMPILERS: CompilerTables = {
  http: HTTP_FILTERS,
  upstreamHttp: UPSTREAM_HTTP_FILTERS,
  network: [
    httpConnectionManagerCompiler(HTTP_FILTERS),
    tcpProxyCompiler({ compile: compileAccessLog }),
    sniClusterCompiler,
    networkRbacCompiler,
    networkSetFilterStateCompiler,
    connectionLimitCompiler,
    localRateLimitCompiler,
    directResponseCompiler,
    echoCompiler,
  ],
};
