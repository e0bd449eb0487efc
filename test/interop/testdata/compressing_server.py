# A gRPC server that compresses its answers: /echo.Echo/Plain and /echo.Echo/Stream give back what they get. Prints its port.
import sys
from concurrent import futures

import grpc


def echo(request, context):
    return request


def echo_all(requests, context):
    yield from requests


server = grpc.server(futures.ThreadPoolExecutor(4), compression=grpc.Compression.Gzip)
handlers = {
    "Plain": grpc.unary_unary_rpc_method_handler(echo),
    "Stream": grpc.stream_stream_rpc_method_handler(echo_all),
}
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("echo.Echo", handlers),))
port = server.add_insecure_port("127.0.0.1:0")
server.start()
print(port, flush=True)
sys.stdin.read()
server.stop(0)
