// What Secrets and ConfigMaps hold for TLS: certificate and key of a server or client, and the authorities that others are checked
// against. Istio's forms: kubernetes.io/tls (tls.crt, tls.key, ca.crt, ca.crl) and generic (cert, key, cacert, crl). Says what is wrong
// without ever quoting a value.
import { createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import type { ConfigMapSpec, SecretSpec } from "#api/kubernetes/core";

/** The bytes under a key; undefined where there are none. */
type Values = (key: string) => Uint8Array | undefined;

export interface Certificate {
  readonly chain: Uint8Array;
  readonly privateKey: Uint8Array;
  readonly ocspStaple: Uint8Array | undefined;
}

export interface Authorities {
  readonly certificates: Uint8Array;
  readonly crl: Uint8Array | undefined;
}

/** Why it cannot be used, as the end of a sentence about the object. */
export interface Fault {
  readonly fault: string;
}

export function valuesOfSecret({ data, stringData }: SecretSpec): Values {
  return (key) => {
    const text = stringData?.[key];
    if (text !== undefined) return text === "" ? undefined : Buffer.from(text);
    const encoded = data?.[key];
    return encoded === undefined || encoded === "" ? undefined : Buffer.from(encoded, "base64");
  };
}

export function valuesOfConfigMap({ data, binaryData }: ConfigMapSpec): Values {
  return (key) => {
    const text = data?.[key];
    if (text !== undefined && text !== "") return Buffer.from(text);
    const encoded = binaryData?.[key];
    return encoded === undefined || encoded === "" ? undefined : Buffer.from(encoded, "base64");
  };
}

const KEY_PAIRS = [
  { certificate: "cert", key: "key", staple: undefined },
  { certificate: "tls.crt", key: "tls.key", staple: "tls.ocsp-staple" },
] as const;

export function certificateOf(values: Values): Certificate | Fault {
  for (const pair of KEY_PAIRS) {
    const chain = values(pair.certificate);
    const privateKey = values(pair.key);
    if (chain === undefined || privateKey === undefined) continue;
    const certificate = readCertificate(chain);
    if (certificate === undefined) return { fault: `holds no certificate that can be read in ${pair.certificate}` };
    const key = readKey(privateKey);
    if (key === undefined) return { fault: `holds no private key that can be read in ${pair.key}` };
    if (!certificate.checkPrivateKey(key)) {
      return { fault: `holds in ${pair.key} a private key of another certificate than that in ${pair.certificate}` };
    }
    return { chain, privateKey, ocspStaple: pair.staple === undefined ? undefined : values(pair.staple) };
  }
  return { fault: "has neither tls.crt and tls.key nor cert and key" };
}

const AUTHORITIES = [
  { certificates: "cacert", crl: "crl" },
  { certificates: "ca.crt", crl: "ca.crl" },
] as const;

export function authoritiesOf(values: Values): Authorities | Fault {
  for (const form of AUTHORITIES) {
    const certificates = values(form.certificates);
    if (certificates === undefined) continue;
    if (readCertificate(certificates) === undefined) return { fault: `holds no certificate that can be read in ${form.certificates}` };
    return { certificates, crl: values(form.crl) };
  }
  return { fault: "has neither ca.crt nor cacert" };
}

/** The first one: it is the server's, those behind it lead to its authority. */
function readCertificate(pem: Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

function readKey(pem: Uint8Array): KeyObject | undefined {
  try {
    return createPrivateKey(Buffer.from(pem));
  } catch {
    return undefined;
  }
}
