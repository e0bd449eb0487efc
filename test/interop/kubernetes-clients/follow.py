"""Follows the ConfigMaps of a namespace as a controller does: list, watch, reconnect, list again when the place is lost. Prints what it
knows after each change, one line of JSON each."""

import json
import sys
import time

import urllib3
from kubernetes import client, config, watch

config.load_kube_config(sys.argv[1])
api = client.CoreV1Api()
known = {}


def tell(how):
    print(json.dumps({"how": how, "known": dict(sorted(known.items()))}), flush=True)


def text_of(config_map):
    return (config_map.data or {}).get("text", "")


version = None
while True:
    try:
        if version is None:
            listed = api.list_namespaced_config_map("default")
            known = {item.metadata.name: text_of(item) for item in listed.items}
            version = listed.metadata.resource_version
            tell("list")
        for event in watch.Watch().stream(api.list_namespaced_config_map, "default", resource_version=version, timeout_seconds=60):
            item = event["object"]
            version = item.metadata.resource_version
            if event["type"] == "DELETED":
                known.pop(item.metadata.name, None)
            else:
                known[item.metadata.name] = text_of(item)
            tell("watch")
    except client.exceptions.ApiException as error:
        if error.status != 410:
            raise
        version = None
    except (urllib3.exceptions.HTTPError, ConnectionError):
        time.sleep(0.05)
