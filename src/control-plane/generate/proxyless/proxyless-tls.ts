// Mutual TLS for gRPC: certificates come from the provider that Istio's bootstrap names "default", not from SDS (gRFC A29).
import { create } from "@bufbuild/protobuf";
import { CertificateValidationContextSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/common_pb";
import {
  CommonTlsContextSchema,
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
  type CommonTlsContext,
  type DownstreamTlsContext,
  type UpstreamTlsContext,
} from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb";
import { exactly } from "#control-plane/generate/transport-socket/tls-context";

const PROVIDER = "default";
const CERTIFICATE = "default";
const AUTHORITIES = "ROOTCA";

/** `names`: of which the server's certificate must bear one. */
export function upstreamContext(names: readonly string[]): UpstreamTlsContext {
  return create(UpstreamTlsContextSchema, { commonTlsContext: common(names) });
}

/** gRPC servers refuse rules for the client's name. */
export function downstreamContext(): DownstreamTlsContext {
  return create(DownstreamTlsContextSchema, { commonTlsContext: common([]), requireClientCertificate: true });
}

function common(names: readonly string[]): CommonTlsContext {
  return create(CommonTlsContextSchema, {
    tlsCertificateProviderInstance: { instanceName: PROVIDER, certificateName: CERTIFICATE },
    validationContextType: {
      case: "validationContext",
      value: create(CertificateValidationContextSchema, {
        caCertificateProviderInstance: { instanceName: PROVIDER, certificateName: AUTHORITIES },
        matchSubjectAltNames: names.map(exactly),
      }),
    },
  });
}
