// envoy.filters.listener.original_dst: a connection that iptables redirected here gets its destination back.
import { OriginalDstSchema } from "#envoy/gen/envoy/extensions/filters/listener/original_dst/v3/original_dst_pb";
import type { ListenerFilter, ListenerFilterCompiler } from "#proxy/listener/listener-filter";

export const originalDst: ListenerFilter = {
  inspect(socket) {
    const original = socket.originalDestination();
    if (original !== undefined) {
      socket.facts.destination = original;
      socket.facts.destinationRestored = true;
    }
    return "continue";
  },
};

export const originalDstCompiler: ListenerFilterCompiler = {
  configTypes: [OriginalDstSchema.typeName],
  compile: () => originalDst,
};
