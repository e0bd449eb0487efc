// Each rule once: what is written, and what is said about which field. `ok` says nothing above info.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseFile } from "./parse-file.ts";

function said(kind: string, spec: string, name = "a"): string {
  const apiVersion = kind === "Service" ? "v1" : "networking.istio.io/v1";
  const text =
    kind === "MeshConfig" ? spec : `{apiVersion: ${apiVersion}, kind: ${kind}, metadata: {name: ${name}, namespace: ns}, spec: ${spec}}`;
  const lines = parseFile(text, "mesh.yaml").flatMap((document) =>
    document.findings
      .filter((finding) => finding.level !== "info")
      .map((finding) => `${finding.level} ${finding.field?.replace(/^spec\.?/u, "") ?? ""}: ${finding.message}`),
  );
  return lines.length === 0 ? "ok" : lines.join("; ");
}

type Case = readonly [spec: string, expected: RegExp | "ok"];

function check(kind: string, cases: readonly Case[], wrap: (spec: string) => string = (spec) => spec): void {
  for (const [spec, expected] of cases) {
    const actual = said(kind, wrap(spec));
    if (expected === "ok") assert.equal(actual, "ok", spec);
    else assert.match(actual, expected, spec);
  }
}

const to = "route: [{destination: {host: a.b}}]";
const inRoute = (route: string): string => `{hosts: [a.b], http: [{${route}}]}`;

describe("VirtualService", () => {
  test("hosts, gateways and exportTo are names that can be", () => {
    check("VirtualService", [
      [`{hosts: [a, "*.b.c", 10.0.0.1], http: [{${to}}]}`, "ok"],
      [`{hosts: [a_b], http: [{${to}}]}`, /^error hosts\[0\]: "a_b" is no host/u],
      [`{hosts: ["*"], http: [{${to}}]}`, /^error hosts\[0\]: \* is too wide for the mesh/u],
      [`{hosts: ["*"], gateways: [gw], http: [{${to}}]}`, "ok"],
      [`{hosts: ["*"], gateways: [gw, mesh], http: [{${to}}]}`, /too wide/u],
      [`{hosts: [a.b, a.b], http: [{${to}}]}`, /^error hosts\[1\]: "a\.b" stands twice/u],
      [`{hosts: ["*.b", x.b], http: [{${to}}]}`, /^error hosts\[1\]: .* overlap/u],
      [`{hosts: [a], gateways: [ns/], http: [{${to}}]}`, /^error gateways\[0\]: "" is no name/u],
      [`{hosts: [a], gateways: [gw.ns.svc], http: [{${to}}]}`, /^warning gateways\[0\]/u],
      [`{hosts: [a], gateways: [a/b/c], http: [{${to}}]}`, /no name of a Gateway/u],
      [`{http: [{${to}}]}`, "ok"],
      [`{gateways: [gw], http: [{${to}}]}`, /^error gateways: a VirtualService without hosts is a delegate/u],
      [`{hosts: [a]}`, /has no routes/u],
      [`{hosts: [a], exportTo: [".", ns], http: [{${to}}]}`, /^error exportTo\[1\]: "ns" stands twice/u],
      [`{hosts: [a], exportTo: ["*", b], http: [{${to}}]}`, /^error exportTo: \* says everybody/u],
      [`{hosts: [a], exportTo: ["~"], http: [{${to}}]}`, /^error exportTo\[0\]/u],
    ]);
  });

  test("a route has one outcome", () => {
    check(
      "VirtualService",
      [
        ["name: x", /^error http\[0\]: says not what happens/u],
        [`${to}, redirect: {uri: /x}`, /^error http\[0\]\.route: cannot stand beside redirect/u],
        [`${to}, directResponse: {status: 200}`, /^error http\[0\]\.route: cannot stand beside directResponse/u],
        ["redirect: {uri: /x}, rewrite: {uri: /}", /^error http\[0\]\.rewrite/u],
        ["redirect: {uri: /x}, fault: {abort: {httpStatus: 500}}", /^error http\[0\]\.fault/u],
        ["delegate: {name: d}", "ok"],
        [`delegate: {name: d}, ${to}`, /^error http\[0\]\.route: cannot stand beside delegate/u],
        [`${to}, mirror: {host: m}, mirrors: [{destination: {host: m}}]`, /cannot stand beside mirrors/u],
      ],
      inRoute,
    );
  });

  test("destinations have hosts, ports and weights that add up", () => {
    check(
      "VirtualService",
      [
        ["route: [{destination: {host: '*'}}]", /^error http\[0\]\.route\[0\]\.destination\.host/u],
        ["route: [{destination: {host: a, subset: A_B}}]", /destination\.subset: "A_B" is no subset name/u],
        ["route: [{destination: {host: a, port: {number: 0}}}]", /port\.number: a port is between/u],
        ["route: [{destination: {host: a, port: {number: 70000}}}]", /port\.number: a port is between/u],
        ["route: [{weight: 5}]", /^error http\[0\]\.route\[0\]\.destination: is required/u],
        ["route: [{destination: {host: a}}, {destination: {host: b}}]", /^error http\[0\]\.route: the weights/u],
        ["route: [{destination: {host: a}, weight: 0}, {destination: {host: b}, weight: 1}]", "ok"],
      ],
      inRoute,
    );
  });

  test("matches can match", () => {
    check(
      "VirtualService",
      [
        [`match: [{uri: {prefix: ""}}], ${to}`, "ok"],
        [`match: [{method: {prefix: ""}}], ${to}`, /match\[0\]\.method\.prefix: must not be empty/u],
        [`match: [{uri: {regex: "a(b"}}], ${to}`, /match\[0\]\.uri\.regex: regex ".*" is not valid RE2/u],
        [`match: [{uri: {regex: "(?=a)"}}], ${to}`, /is not valid RE2/u],
        [`match: [{uri: {regex: "(${"a".repeat(40)}){1000}"}}], ${to}`, /is too complex/u],
        [`match: [{uri: {regex: ${"a".repeat(1025)}}}], ${to}`, /at most 1024/u],
        [`match: [{headers: {"a b": {exact: x}}}], ${to}`, /"a b" is no header name/u],
        [`match: [{headers: {":path": {exact: x}}}], ${to}`, "ok"],
        [`match: [{headers: {x: {}}}], ${to}`, "ok"],
        [`match: [{headers: {x: }}], ${to}`, /headers\.x: must not be empty/u],
        [`match: [{withoutHeaders: {x: {regex: "*"}}}], ${to}`, "ok"],
        [`match: [{headers: {"@request.auth.claims.group": {exact: x}}}], ${to}`, /gateways alone/u],
        [`match: [{port: 70000}], ${to}`, /match\[0\]\.port/u],
        [`match: [{sourceLabels: {"a b": c}}], ${to}`, /is no label name/u],
        [`match: [{sourceNamespace: a_b}], ${to}`, /sourceNamespace: "a_b" is no namespace/u],
      ],
      inRoute,
    );
  });

  test("times, faults and retries are within their ranges", () => {
    check(
      "VirtualService",
      [
        [`timeout: 0.5ms, ${to}`, /timeout: a duration must be 1ms or more/u],
        [`timeout: 1.5ms, ${to}`, /whole milliseconds/u],
        [`fault: {}, ${to}`, /fault: is empty/u],
        [`fault: {abort: {httpStatus: 199}}, ${to}`, /httpStatus: must be between 200 and 599/u],
        [`fault: {abort: {grpcStatus: NOPE}}, ${to}`, /grpcStatus: "NOPE" is no gRPC status/u],
        [`fault: {abort: {http2Error: X}}, ${to}`, /http2Error: is not supported/u],
        [`fault: {abort: {percentage: {value: 1}}}, ${to}`, /^warning http\[0\]\.fault\.abort: says not with what/u],
        [
          `fault: {delay: {fixedDelay: 0s, percentage: {value: 101}}}, ${to}`,
          /percentage\.value: must be 0, or between.*fixedDelay: a duration/u,
        ],
        [`fault: {delay: {percentage: {value: 0.00001}, fixedDelay: 1s}}, ${to}`, /percentage\.value/u],
        [`fault: {delay: {exponentialDelay: 1s}}, ${to}`, /exponentialDelay: is not supported/u],
        [`retries: {attempts: 0}, ${to}`, "ok"],
        [`retries: {attempts: -1}, ${to}`, /attempts: must be 0 or more/u],
        [`retries: {attempts: 0, retryOn: 5xx}, ${to}`, /attempts: 0 turns off/u],
        [`retries: {attempts: 3, retryOn: "5xx,503,reset", perTryTimeout: 2s}, ${to}`, "ok"],
        [`retries: {attempts: 3, retryOn: "5xx, reset"}, ${to}`, /" reset" is no retry condition/u],
        [`retries: {attempts: 3, perTryTimeout: 0s}, ${to}`, /perTryTimeout: a duration/u],
      ],
      inRoute,
    );
  });

  test("answers and rewrites make sense", () => {
    check(
      "VirtualService",
      [
        ["redirect: {}", /leads nowhere else/u],
        ["redirect: {uri: /a, redirectCode: 200}", /redirectCode/u],
        ["redirect: {scheme: ftp}", /scheme: must be http or https/u],
        ["redirect: {uri: /a, prefixRewrite: /b}", /cannot stand beside uri/u],
        ["match: [{uri: {exact: /a}}], redirect: {prefixRewrite: /b}", /needs matches on a uri prefix/u],
        ["redirect: {port: 70000}", /redirect\.port/u],
        ["directResponse: {status: 700}", /status: must be between/u],
        ["directResponse: {}", /status: is required/u],
        [`directResponse: {status: 200, body: {string: ${"x".repeat(1024 * 1024 + 1)}}}`, /body: must be 1 MB or less/u],
        [`rewrite: {}, ${to}`, /rewrites nothing/u],
        [`rewrite: {uri: /, uriRegexRewrite: {match: a, rewrite: b}}, ${to}`, /cannot stand beside uri/u],
        [`rewrite: {uriRegexRewrite: {match: a}}, ${to}`, /needs both/u],
        [`rewrite: {authority: a}, headers: {request: {set: {Host: b}}}, ${to}`, /set more than once/u],
      ],
      inRoute,
    );
  });

  test("header edits and cross-origin rules name headers that can be", () => {
    check(
      "VirtualService",
      [
        [`headers: {request: {set: {":path": x}}}, ${to}`, /":path" cannot be edited/u],
        [`headers: {request: {remove: [host]}}, ${to}`, /"host" cannot be edited/u],
        [`headers: {response: {add: {x: "a\\nb"}}}, ${to}`, /control characters/u],
        [`headers: {response: {add: {x: "100%"}}}, ${to}`, /% that begins no/u],
        [`headers: {response: {add: {x: "%START_TIME%% a"}}}, ${to}`, /% that begins no/u],
        [`headers: {response: {add: {x: '100%% %REQ(:path)% %START_TIME(%s)% %DYNAMIC_METADATA(["a", "b"])%'}}}, ${to}`, "ok"],
        [`corsPolicy: {allowMethods: [YELL]}, ${to}`, /allowMethods\[0\]/u],
        [`corsPolicy: {allowOrigins: [{exact: ""}]}, ${to}`, /allowOrigins\[0\]: must not be empty/u],
        [`corsPolicy: {allowHeaders: ["a b"], maxAge: 1500ms}, ${to}`, /allowHeaders\[0\].*maxAge: must be whole seconds/u],
      ],
      inRoute,
    );
  });

  test("TLS and TCP routes have matches and destinations", () => {
    check("VirtualService", [
      [`{hosts: [a.b], tls: [{match: [{sniHosts: [a.b]}], ${to}}]}`, "ok"],
      [`{hosts: [a.b], tls: [{match: [{sniHosts: [x.y]}], ${to}}]}`, /none of the VirtualService's hosts/u],
      [`{hosts: [a.b], tls: [{match: [], ${to}}]}`, /needs at least one match/u],
      [`{hosts: [a.b], tls: [{match: [{sniHosts: [a.b]}]}]}`, /needs at least one destination/u],
      [`{hosts: [a.b], tcp: [{match: [{destinationSubnets: [10.0.0.0/33]}], ${to}}]}`, /no network in CIDR/u],
      [`{hosts: [a.b], tcp: [{match: [{port: 0, destinationSubnets: [10.0.0.0/8]}], ${to}}]}`, "ok"],
    ]);
  });

  test("routes that are never reached are warned about", () => {
    check("VirtualService", [
      [`{hosts: [a], http: [{${to}}, {${to}}]}`, /^warning http\[1\]: is never reached/u],
      [`{hosts: [a], http: [{${to}}, {match: [{uri: {exact: /a}}], ${to}}]}`, /^warning http\[1\]/u],
      [
        `{hosts: [a], http: [{match: [{uri: {exact: /a}}], ${to}}, {match: [{name: x, uri: {exact: /a}}], ${to}}]}`,
        /^warning http\[1\]\.match\[0\].*warning http\[1\]/u,
      ],
      [`{hosts: [a], http: [{match: [{uri: {prefix: /a}}], ${to}}, {match: [{uri: {prefix: /ab}}], ${to}}]}`, /takes the prefix "\/a"/u],
      [
        `{hosts: [a], http: [{match: [{uri: {prefix: /a}, headers: {x: {exact: "1"}}}], ${to}}, {match: [{uri: {prefix: /ab}}], ${to}}]}`,
        "ok",
      ],
    ]);
  });
});

describe("DestinationRule", () => {
  const inPolicy = (policy: string): string => `{host: a.b, trafficPolicy: {${policy}}}`;

  test("host and subsets are names that can be", () => {
    check("DestinationRule", [
      ["{host: a.b, subsets: [{name: v1, labels: {version: v1}}]}", "ok"],
      ["{subsets: []}", /^error host: is required/u],
      ["{host: ''}", /^error host: a host must not be empty/u],
      ["{host: a, subsets: [{name: v1}, {name: v1}]}", /^error subsets\[1\]\.name: subset "v1" stands twice/u],
      ["{host: a, subsets: [{name: V_1}]}", /is no subset name/u],
      ["{host: a, subsets: [{name: v1, labels: {version: 'a b'}}]}", /is no label value/u],
      ["{host: a, exportTo: ['*'], workloadSelector: {matchLabels: {app: x}}}", /only the own namespace/u],
    ]);
  });

  test("policies set something within its range", () => {
    check(
      "DestinationRule",
      [
        ["", /trafficPolicy: is empty/u],
        ["connectionPool: {}", /connectionPool: is empty/u],
        ["connectionPool: {tcp: {maxConnections: -1}}", /maxConnections: must be 0 or more/u],
        ["connectionPool: {tcp: {idleTimeout: 0s}}", "ok"],
        ["connectionPool: {http: {idleTimeout: 0s}}", /idleTimeout: a duration/u],
        ["connectionPool: {http: {http2KeepAlive: {interval: 1s}}}", /http2KeepAlive\.timeout: is required/u],
        ["loadBalancer: {simple: ROUNDROBIN}", /simple: must be one of UNSPECIFIED/u],
        ["loadBalancer: {simple: RANDOM, consistentHash: {useSourceIp: true}}", /consistentHash: cannot stand beside simple/u],
        ["loadBalancer: {consistentHash: {maglev: {tableSize: 10}}}", /tableSize: must be a prime/u],
        ["loadBalancer: {warmup: {}}", /warmup\.duration: is required/u],
        ["outlierDetection: {maxEjectionPercent: 101}", /maxEjectionPercent/u],
        ["outlierDetection: {consecutiveErrors: 3}", /^warning .*is deprecated/u],
        ["outlierDetection: {consecutiveLocalOriginFailures: 3}", /splitExternalLocalOriginErrors/u],
        ["tls: {mode: ISTIO_MUTUAL}", "ok"],
        ["tls: {mode: MUTUAL}", /clientCertificate: is required for MUTUAL/u],
        ["tls: {mode: SIMPLE, credentialName: c, caCertificates: f}", /caCertificates: cannot stand beside credentialName/u],
        ["portLevelSettings: [{tls: {mode: DISABLE}}]", /portLevelSettings\[0\]: needs the port/u],
        ["portLevelSettings: [{port: {number: 80}}]", /sets nothing/u],
        ["tunnel: {targetHost: a.b, targetPort: 0}", /targetPort: a port/u],
      ],
      inPolicy,
    );
  });

  test("localities do not overlap and add up", () => {
    check(
      "DestinationRule",
      [
        ['distribute: [{from: a/b/c, to: {"a/*": 80, "b/*": 20}}]', "ok"],
        ['distribute: [{from: a/b/c, to: {"a/*": 80, "a/b": 20}}]', /overlaps/u],
        ['distribute: [{from: a, to: {"a/*": 80}}]', /must be 100 together/u],
        ["failover: [{from: a, to: a}]", /different regions/u],
        ["failover: [{from: a, to: b}], distribute: [{from: a, to: {a: 100}}]", /cannot have both/u],
      ],
      (setting) => inPolicy(`outlierDetection: {}, loadBalancer: {localityLbSetting: {${setting}}}`),
    );
  });
});

describe("Gateway", () => {
  const inServer = (server: string): string => `{selector: {istio: ingressgateway}, servers: [{${server}}]}`;
  const http = "port: {number: 80, name: http, protocol: HTTP}";
  const https = "port: {number: 443, name: https, protocol: HTTPS}, hosts: ['*']";

  test("servers have ports, hosts and names that can be", () => {
    check("Gateway", [["{servers: []}", /^error servers: a Gateway needs at least one server/u]]);
    check(
      "Gateway",
      [
        [`${http}, hosts: ['*', ns/a.b, './*']`, "ok"],
        [`${http}, hosts: [short]`, /is a short name/u],
        [`${http}, hosts: []`, /needs at least one host/u],
        [`${http}, hosts: ['*a.b']`, /whole labels/u],
        [`${http}, hosts: ['/a.b']`, /needs a namespace and a host/u],
        [`port: {number: 0, name: http, protocol: HTTP}, hosts: ['*']`, /port\.number: a port/u],
        [`port: {number: 80, name: http, protocol: HTTPP}, hosts: ['*']`, /"HTTPP" is no protocol/u],
        [`port: {number: 80, protocol: HTTP, name: ""}, hosts: ['*']`, /port\.name: a port needs a name/u],
        [`port: {number: 80, protocol: HTTP}, hosts: ['*']`, /port\.name: is required and missing/u],
        [`${http}, hosts: ['*'], bind: nowhere`, /bind: "nowhere" is no IP address/u],
        [`${http}, hosts: ['*'], tls: {httpsRedirect: true}`, "ok"],
        [`${http}, hosts: ['*'], tls: {mode: SIMPLE, credentialName: c}`, /cannot have tls settings/u],
      ],
      inServer,
    );
    check("Gateway", [
      [`{servers: [{${http}, hosts: [a.b]}, {${http}, hosts: [c.d]}]}`, /servers\[1\]\.port\.name: port name "http" stands twice/u],
    ]);
    assert.match(said("Gateway", inServer(`${http}, hosts: ['*']`), "a.b"), /is no name for a Gateway/u);
  });

  test("TLS has certificates from one place", () => {
    check(
      "Gateway",
      [
        [https, /needs tls settings/u],
        [`${https}, tls: {mode: SIMPLE, credentialName: c}`, "ok"],
        [`${https}, tls: {mode: SIMPLE}`, /serverCertificate: SIMPLE needs a certificate/u],
        [`${https}, tls: {mode: MUTUAL, serverCertificate: c, privateKey: k}`, /caCertificates: MUTUAL needs authorities/u],
        [`${https}, tls: {mode: ISTIO_MUTUAL, credentialName: c}`, /brings its own/u],
        [`${https}, tls: {mode: SIMPLE, credentialName: c, serverCertificate: c, privateKey: k}`, /come from one place/u],
        [`${https}, tls: {mode: SIMPLE, credentialName: c, cipherSuites: [NOPE]}`, /^warning .*is no cipher suite/u],
      ],
      inServer,
    );
  });
});

test("WorkloadGroup and WorkloadEntry have addresses, ports and probes that can be", () => {
  check("WorkloadGroup", [
    ["{template: {ports: {http: 9080}}, probe: {httpGet: {port: 9080, path: /health}, periodSeconds: 2}}", "ok"],
    ["{metadata: {}}", /^error template: is required/u],
    ["{template: {}, probe: {}}", /probe: says not how to probe/u],
    ["{template: {}, probe: {tcpSocket: {port: 0}}}", /tcpSocket\.port/u],
    ["{template: {}, probe: {exec: {command: []}}}", /exec\.command/u],
    ["{template: {}, probe: {httpGet: {port: 80, scheme: http}}}", /scheme: must be HTTP or HTTPS/u],
    ["{template: {}, probe: {periodSeconds: -1, httpGet: {port: 80}}}", /periodSeconds/u],
    ["{template: {}, probe: {httpGet: {port: 80}, tcpSocket: {port: 80}}}", /tcpSocket: cannot stand beside httpGet/u],
    ["{template: {}, metadata: {labels: {a: 'b c'}}}", /is no label value/u],
  ]);
  check("WorkloadEntry", [
    ["{address: 10.0.0.1, ports: {http: 80}}", "ok"],
    ["{address: a.b.c}", "ok"],
    ["{}", /^error address: is required/u],
    ["{network: net}", /^warning address/u],
    ["{address: a_b}", /neither an IP address nor a host/u],
    ["{address: unix:///a, ports: {http: 80}}", /a unix socket has no ports/u],
    ["{address: 10.0.0.1, ports: {http: 0}}", /ports\.http: a port/u],
  ]);
});

test("Service has ports with names and numbers that can be", () => {
  check("Service", [
    ["{ports: [{port: 80, targetPort: http}]}", "ok"],
    ["{}", /ports: a Service needs at least one port/u],
    ["{clusterIP: None}", "ok"],
    ["{type: ExternalName, externalName: a.b}", "ok"],
    ["{type: ExternalName}", /externalName: a host must not be empty/u],
    ["{ports: [{port: 80}, {port: 81, name: b}]}", /ports\[0\]: needs a name/u],
    ["{ports: [{port: 80, name: a}, {port: 80, name: b}]}", /ports\[1\]\.port: TCP 80 stands twice/u],
    ["{ports: [{port: 80, name: a}, {port: 81, name: a}]}", /ports\[1\]\.name: "a" stands twice/u],
    ["{ports: [{port: 80, targetPort: 0}]}", /targetPort: a port/u],
    ["{ports: [{port: 80, targetPort: '80'}]}", /targetPort: "80" is no port name/u],
    ["{ports: [{port: 80, protocol: HTTP}]}", /protocol: must be one of TCP, UDP, SCTP/u],
    ["{ports: [{port: 80, name: Web_1}]}", /is no port name/u],
  ]);
});

test("MeshConfig's values are within their ranges", () => {
  check("MeshConfig", [
    ["{accessLogFile: /dev/stdout, proxyHttpPort: 0, connectTimeout: 10s}", "ok"],
    ["{connectTimeout: 61m}", /connectTimeout: must be 1h or less/u],
    ["{connectTimeout: 0s}", /connectTimeout: a duration/u],
    ["{trustDomain: 'a b'}", /is no trust domain/u],
    ["{accessLogEncoding: XML}", /accessLogEncoding: must be one of TEXT, JSON/u],
    ["{defaultHttpRetryPolicy: {attempts: 2, retryOn: never}}", /"never" is no retry condition/u],
    ["{meshMTLS: {ecdhCurves: [P-256]}}", /cannot be chosen/u],
    ["{defaultServiceExportTo: ['~']}", "ok"],
    ["{outboundTrafficPolicy: {mode: REGISTRY}}", /mode: must be one of REGISTRY_ONLY/u],
  ]);
});
