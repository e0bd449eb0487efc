// What WasmPlugin and TrafficExtension share: the plugin, its environment, and the traffic that it is for.
import { enumeration, field, json, limited, message, repeated, required, string, uint32, type Decoded } from "#api/declaration";

const envVar = limited(
  message("EnvVar", {
    name: required(limited(string, { minLength: 1, maxLength: 256 }), "The variable's name"),
    valueFrom: field(enumeration(["INLINE", "HOST"]), "Where its value comes from"),
    value: field(limited(string, { maxLength: 2048 }), "The value; for INLINE"),
  }),
  {
    rules: [
      {
        rule: '(has(self.valueFrom) ? self.valueFrom : "") != "HOST" || !has(self.value)',
        message: "value may only be set when valueFrom is INLINE",
      },
    ],
  },
);

const vmConfig = message("VmConfig", {
  env: field(limited(repeated(envVar), { maxItems: 256, listKeys: ["name"] }), "Environment of the plugin"),
});

const schemes = '["", "http", "https", "oci", "file"]';

export const wasmFields = {
  url: required(
    limited(string, {
      minLength: 1,
      rules: [
        {
          rule: `isURL(self) ? (url(self).getScheme() in ${schemes}) : (isURL("http://" + self) && url("http://" + self).getScheme() in ${schemes})`,
          message: "url must have schema one of [http, https, file, oci]",
        },
      ],
    }),
    "Where the plugin is: oci://, https://, http:// or file://",
  ),
  sha256: field(limited(string, { pattern: "(^$|^[a-f0-9]{64}$)" }), "The plugin's checksum"),
  imagePullPolicy: field(enumeration(["UNSPECIFIED_POLICY", "IfNotPresent", "Always"]), "When it is fetched anew"),
  imagePullSecret: field(limited(string, { minLength: 1, maxLength: 253 }), "A Secret with credentials for the registry"),
  verificationKey: field(string, "Not used by Istio"),
  pluginConfig: field(json, "The plugin's own configuration"),
  pluginName: field(limited(string, { minLength: 1, maxLength: 256 }), "The plugin's name, where a module holds several"),
  failStrategy: field(enumeration(["FAIL_CLOSE", "FAIL_OPEN", "FAIL_RELOAD"]), "Whether requests pass when the plugin fails"),
  vmConfig: field(vmConfig, "The machine that runs the plugin"),
  type: field(enumeration(["UNSPECIFIED_PLUGIN_TYPE", "HTTP", "NETWORK"]), "Whether it handles requests or connections"),
};

const trafficSelector = message("TrafficSelector", {
  mode: field(enumeration(["UNDEFINED", "CLIENT", "SERVER", "CLIENT_AND_SERVER"]), "As caller, as called, or both"),
  ports: field(
    limited(repeated(message("PortSelector", { number: required(limited(uint32, { minimum: 1, maximum: 65535 }), "The port's number") })), {
      listKeys: ["number"],
    }),
    "Ports; one of them must match",
  ),
});

export const trafficMatch = field(repeated(trafficSelector), "Traffic that it is for; one must match. Without any all traffic");

export type VmConfig = Decoded<typeof vmConfig>;
export type TrafficSelector = Decoded<typeof trafficSelector>;
