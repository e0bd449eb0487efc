// One secret for one proxy: what its name means to it, or why it does not get it.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { SecretSchema, type Secret } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb";
import type { DataSourceSchema } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { authoritiesOf, certificateOf, valuesOfConfigMap, valuesOfSecret, type Fault } from "#control-plane/mesh/credential";
import type { ProxyView } from "#control-plane/mesh/mesh";
import { parseSecretName, type SecretName } from "./secret-name.ts";

type DataSource = Exclude<MessageInitShape<typeof DataSourceSchema>, { $typeName: string }>;

export function secretFor(secretName: string, view: Pick<ProxyView, "node" | "secret" | "configMap">): Secret | Fault {
  const name = parseSecretName(secretName, view.node.namespace);
  if (name === undefined) return { fault: `${secretName} is no name of a Secret` };
  return name.holds === "certificate" ? certificateSecret(secretName, name, view) : authoritiesSecret(secretName, name, view);
}

type Lookups = Pick<ProxyView, "node" | "secret" | "configMap">;

function certificateSecret(secretName: string, name: SecretName, view: Lookups): Secret | Fault {
  const object = view.secret(name.namespace, name.name);
  if (object === undefined) return missing(name, view);
  const found = certificateOf(valuesOfSecret(object.spec));
  if ("fault" in found) return { fault: `the Secret ${name.namespace}/${name.name} ${found.fault}` };
  return create(SecretSchema, {
    name: secretName,
    type: {
      case: "tlsCertificate",
      value: {
        certificateChain: inline(found.chain),
        privateKey: inline(found.privateKey),
        ...(found.ocspStaple === undefined ? {} : { ocspStaple: inline(found.ocspStaple) }),
      },
    },
  });
}

/** A Secret of their own (`name-cacert`) counts before the one that also holds the certificate. */
function authoritiesSecret(secretName: string, name: SecretName, view: Lookups): Secret | Fault {
  const values = authorityValues(name, view);
  if (values === undefined) return missing(name, view);
  const found = authoritiesOf(values);
  if ("fault" in found) return { fault: `the ${name.source} ${name.namespace}/${name.name} ${found.fault}` };
  return create(SecretSchema, {
    name: secretName,
    type: {
      case: "validationContext",
      value: {
        trustedCa: inline(found.certificates),
        ...(found.crl === undefined ? {} : { crl: inline(found.crl) }),
      },
    },
  });
}

function authorityValues({ source, namespace, name }: SecretName, view: Lookups) {
  if (source === "ConfigMap") {
    const object = view.configMap(namespace, name);
    return object === undefined ? undefined : valuesOfConfigMap(object.spec);
  }
  const object = view.secret(namespace, `${name}-cacert`) ?? view.secret(namespace, name);
  return object === undefined ? undefined : valuesOfSecret(object.spec);
}

function missing({ source, namespace, name }: SecretName, { node }: Lookups): Fault {
  return source === "Secret" && namespace !== node.namespace
    ? { fault: `the Secret ${namespace}/${name} is not for proxies of namespace ${node.namespace}` }
    : { fault: `there is no ${source} ${namespace}/${name}` };
}

function inline(value: Uint8Array): DataSource {
  return { specifier: { case: "inlineBytes", value: Uint8Array.from(value) } };
}
