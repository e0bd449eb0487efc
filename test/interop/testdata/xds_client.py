"""A gRPC client that finds its servers by xDS itself; the twin of xds-client.ts, in Python's gRPC (the C core)."""
import json
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc

target, *tasks = sys.argv[1:]
channel = grpc.insecure_channel(target)


def call(method):
    try:
        return channel.unary_unary(method)(b"x", timeout=20).decode()
    except grpc.RpcError as error:
        return error.code().name


results = {}
for task in tasks:
    method, count, concurrency = task.split(" ")
    counts = results[method] = {}
    with ThreadPoolExecutor(int(concurrency)) as pool:
        for answer in pool.map(call, [method] * int(count)):
            counts[answer] = counts.get(answer, 0) + 1
print(json.dumps(results))
