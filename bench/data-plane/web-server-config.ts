// nginx as back end, and nginx and HAProxy as peers: the same ports and the same work as far as they can say it.
import { join } from "node:path";
import type { Backends, Ports } from "./listeners.ts";

/** PEM files: what a server shows (certificate and key in one), and who vouches for it. */
export interface CertificateFiles {
  readonly root: string;
  readonly workload: string;
}

function nginx(folder: string, name: string, http: string, stream = ""): string {
  const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (what) => `${what}_temp_path ${join(folder, `${name}-${what}`)};`,
  );
  return `worker_processes 1; pid ${join(folder, `${name}.pid`)}; daemon off; error_log ${join(folder, `${name}.log`)};
events { worker_connections 16384; }
http { access_log off; keepalive_requests 100000000; keepalive_timeout 600s; client_body_buffer_size 64k; ${places.join(" ")}
${http} }
${stream}`;
}

/** Answers 1 KB, 100 KB on /100k; takes POST bodies. */
export function nginxBackend(folder: string, port: number): string {
  return nginx(
    folder,
    "backend",
    `server { listen 127.0.0.1:${port} backlog=4096; default_type text/plain;
  location / { return 200 "${"x".repeat(1024)}"; }
  location = /100k { alias ${join(folder, "100k")}; }
  location = /post { client_max_body_size 1m; return 200 "${"x".repeat(1024)}"; } }
  open_file_cache max=10; sendfile on; tcp_nopush on;`,
  );
}

export function nginxPeer(folder: string, ports: Ports, backends: Backends, files: CertificateFiles, streamModule: string): string {
  const pass = (upstream: string): string => `location / { proxy_pass ${upstream}; }`;
  const certificate = `ssl_certificate ${files.workload}; ssl_certificate_key ${files.workload};`;
  const http = `upstream backend { server 127.0.0.1:${backends.http}; keepalive 64; keepalive_requests 100000000; }
upstream inbound { server 127.0.0.1:${ports.inbound}; keepalive 64; keepalive_requests 100000000; }
proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; proxy_buffers 16 16k;
server { listen 127.0.0.1:${ports.plain} backlog=4096; listen 127.0.0.1:${ports.sidecar} backlog=4096; ${pass("http://backend")} }
server { listen 127.0.0.1:${ports.tls} ssl; ${certificate} ${pass("http://backend")} }
server { listen 127.0.0.1:${ports.outbound}; proxy_ssl_certificate ${files.workload}; proxy_ssl_certificate_key ${files.workload};
  proxy_ssl_trusted_certificate ${files.root}; proxy_ssl_verify on; proxy_ssl_name workload.bench; ${pass("https://inbound")} }
server { listen 127.0.0.1:${ports.inbound} ssl; ${certificate} ssl_client_certificate ${files.root}; ssl_verify_client on; ${pass("http://backend")} }
server { listen 127.0.0.1:${ports.webSocket}; location / { proxy_pass http://127.0.0.1:${backends.echo};
  proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; } }`;
  const stream = `stream { access_log off; server { listen 127.0.0.1:${ports.tcp}; proxy_pass 127.0.0.1:${backends.http}; } }`;
  return `load_module ${streamModule};\n${nginx(folder, "peer", http, stream)}`;
}

export function haproxyPeer(ports: Ports, backends: Backends, files: CertificateFiles): string {
  const frontend = (name: string, port: number, backend: string, tls = ""): string =>
    `frontend ${name}\n  bind 127.0.0.1:${port} backlog 4096 ${tls}\n  default_backend ${backend}\n`;
  return `global
  nbthread 1
  maxconn 4000
  ssl-server-verify required
defaults
  mode http
  http-reuse always
  timeout connect 10s
  timeout client 600s
  timeout server 600s
  timeout tunnel 600s
${frontend("plain", ports.plain, "http")}${frontend("sidecar", ports.sidecar, "http")}
${frontend("tls", ports.tls, "http", `ssl crt ${files.workload}`)}
${frontend("outbound", ports.outbound, "inbound")}
${frontend("inbound", ports.inbound, "http", `ssl crt ${files.workload} ca-file ${files.root} verify required`)}
${frontend("websocket", ports.webSocket, "echo")}
frontend relay
  mode tcp
  bind 127.0.0.1:${ports.tcp}
  default_backend relay
backend http
  server one 127.0.0.1:${backends.http}
backend inbound
  server one 127.0.0.1:${ports.inbound} ssl crt ${files.workload} ca-file ${files.root} verifyhost workload.bench sni str(workload.bench)
backend echo
  server one 127.0.0.1:${backends.echo}
backend relay
  mode tcp
  server one 127.0.0.1:${backends.http}
`;
}
