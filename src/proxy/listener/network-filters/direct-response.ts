// envoy.filters.network.direct_response: says one thing and closes.
import { ConfigSchema } from "#envoy/gen/envoy/extensions/filters/network/direct_response/v3/config_pb";
import type { NetworkFilterCompiler } from "#proxy/listener/network-filter";
import { unpackConfig } from "#proxy/unpack-config";
import { readDataSource } from "#proxy/transport-socket/data-source";

export const directResponseCompiler: NetworkFilterCompiler = {
  configTypes: [ConfigSchema.typeName],
  compile(_name, any, path) {
    let text = "";
    unpackConfig(any, ConfigSchema, path, ({ response }, refuse) => {
      text = readDataSource(response, "response", refuse) ?? "";
    });
    const bytes = Buffer.from(text);
    return {
      accept({ connection }) {
        connection.handler = { onData: () => {}, onEnd: () => {}, onDrain: () => {}, onClose: () => {} };
        if (bytes.length > 0) connection.write(bytes);
        connection.close("flush");
      },
    };
  },
};
