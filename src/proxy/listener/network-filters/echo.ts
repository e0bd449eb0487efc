// envoy.filters.network.echo
import { EchoSchema } from "#envoy/gen/envoy/extensions/filters/network/echo/v3/echo_pb";
import type { NetworkFilterCompiler } from "#proxy/listener/network-filter";

export const echoCompiler: NetworkFilterCompiler = {
  configTypes: [EchoSchema.typeName],
  compile: () => ({
    accept({ connection }) {
      connection.handler = {
        onData(chunk) {
          if (!connection.write(chunk)) connection.pauseReading("backpressure");
        },
        onEnd: () => connection.close("flush"),
        onDrain: () => connection.resumeReading("backpressure"),
        onClose: () => {},
      };
    },
  }),
};
