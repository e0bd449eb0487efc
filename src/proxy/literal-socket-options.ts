// SocketOption messages, of listeners and of upstream connections, as setsockopt takes them.
import type { SocketOption as WireOption } from "#envoy/gen/envoy/config/core/v3/socket_option_pb";
import { SocketOption_SocketState as State } from "#envoy/gen/envoy/config/core/v3/socket_option_pb";
import { int32 } from "#proxy/net/socket-option";
import type { SocketOption } from "#proxy/net/socket-option";

export function readLiteralOptions(
  wire: readonly WireOption[],
  path: string,
  refuse: (path: string, message: string) => void,
): SocketOption[] {
  return wire.flatMap(({ level, name, value, state, description }, index) => {
    if (value.case === undefined) {
      refuse(`${path}[${index}]`, "needs an int_value or a buf_value");
      return [];
    }
    return [
      {
        level: Number(level),
        name: Number(name),
        value: value.case === "intValue" ? int32(Number(value.value)) : value.value,
        // Those of listening sockets, too: the kernel takes them as soon as there is a socket.
        prebind: state === State.STATE_PREBIND,
        description: description === "" ? `${level}/${name}` : description,
      },
    ];
  });
}
