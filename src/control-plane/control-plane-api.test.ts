// The Kubernetes API of a whole control plane: what analysis says, what files hold, who may ask.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { realClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { newAuthority, newServingCertificate } from "#control-plane/api-server/credentials/certificates";
import type { KeyPair } from "#runtime/x509";
import { startControlPlane, type ControlPlane } from "./control-plane.ts";

const SERVICE = `
apiVersion: v1
kind: Service
metadata: { name: reviews, namespace: default }
spec: { selector: { app: reviews }, ports: [{ name: http, port: 9080 }] }
`;
const PATH = "/apis/networking.istio.io/v1/namespaces/default/virtualservices";

interface Reply {
  readonly code: number;
  readonly body: { readonly message?: string; readonly details?: { readonly causes?: readonly { readonly field: string }[] } };
  readonly warnings: string;
}

interface Running {
  readonly controlPlane: ControlPlane;
  readonly send: (method: string, path: string, body?: object, client?: KeyPair | "nobody") => Promise<Reply>;
}

async function start(t: TestContext, clientAuthority?: string): Promise<Running> {
  const directory = mkdtempSync(join(tmpdir(), "control-plane-api-"));
  t.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, "mesh.yaml"), SERVICE);
  const controlPlane = await startControlPlane({
    sources: [join(directory, "mesh.yaml")],
    recursive: false,
    grpc: { address: "127.0.0.1", port: 0 },
    http: { address: "127.0.0.1", port: 0 },
    api: { address: "127.0.0.1", port: 0, stateDirectory: directory, ...(clientAuthority === undefined ? {} : { clientAuthority }) },
    stateDirectory: directory,
    version: "1.2.3",
    clock: realClock,
    log: silentLog,
  });
  t.after(() => controlPlane.close());
  const ca = readFileSync(join(directory, "api-server/ca.pem"));
  const token = readFileSync(join(directory, "api-server/token"), "utf8");
  const send: Running["send"] = (method, path, body, client) =>
    new Promise((resolve, reject) => {
      const proof = client === undefined ? { authorization: `Bearer ${token}` } : {};
      const certificate = client === undefined || client === "nobody" ? {} : { cert: client.certificate, key: client.key };
      const headers = { "content-type": "application/json", ...proof };
      const sent = request(
        { host: "127.0.0.1", port: controlPlane.apiPort, ca, agent: false, method, path, headers, ...certificate },
        (response) => {
          let text = "";
          response.on("data", (chunk: Buffer) => (text += chunk.toString()));
          response.on("end", () =>
            resolve({
              code: response.statusCode ?? 0,
              body: JSON.parse(text) as Reply["body"],
              warnings: [response.headers.warning ?? []].flat().join("\n"),
            }),
          );
        },
      );
      sent.on("error", reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  return { controlPlane, send };
}

function virtualService(name: string, host: string): object {
  const spec = { hosts: [host], http: [{ route: [{ destination: { host } }] }] };
  return { apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata: { name }, spec };
}

test("a reference that leads nowhere is a warning for one object, and an error for a set", async (t) => {
  const { send } = await start(t);
  const good = await send("POST", PATH, virtualService("reviews", "reviews"));
  assert.deepEqual([good.code, good.warnings], [201, ""]);
  const alone = await send("POST", PATH, virtualService("lost", "nowhere"));
  assert.equal(alone.code, 201);
  assert.match(alone.warnings, /referenced host not found: \\"nowhere\\".*\[IST0101\]/u);
  const objects = [virtualService("reviews", "reviews"), virtualService("other", "nowhere-else")];
  const set = await send("POST", "/apis/mizzen.io/v1/transactions?fieldValidation=Strict", { operation: "Apply", objects });
  assert.equal(set.code, 422);
  assert.deepEqual(
    set.body.details?.causes?.map(({ field }) => field),
    ["objects[1].spec.http[0].route[0].destination.host"],
  );
  assert.equal((await send("GET", `${PATH}/other`)).code, 404);
});

test("objects of files are seen, and a refusal to change them names the file", async (t) => {
  const { send } = await start(t);
  const path = "/api/v1/namespaces/default/services/reviews";
  assert.equal((await send("GET", path)).code, 200);
  const refused = await send("DELETE", path);
  assert.equal(refused.code, 403);
  assert.match(refused.body.message ?? "", /services "reviews" is forbidden: it is read from .*mesh\.yaml:2; edit that file/u);
});

test("a certificate of the authority that was named is as good as the token, and no other", async (t) => {
  const issuing = { nowMs: Date.now(), serial: Buffer.alloc(15, 7) };
  const [authority, stranger] = [newAuthority(issuing), newAuthority(issuing)];
  const { send } = await start(t, authority.certificate);
  assert.equal(
    (await send("GET", PATH, undefined, newServingCertificate(authority, ["alice"], issuing))).code,
    401,
    "a server's certificate is no client's",
  );
  assert.equal((await send("GET", PATH, undefined, newServingCertificate(stranger, ["alice"], issuing))).code, 401);
  assert.equal((await send("GET", PATH, undefined, "nobody")).code, 401);
  assert.equal((await send("GET", PATH)).code, 200);
});
