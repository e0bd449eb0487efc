// Two network namespaces joined by a virtual cable: the pod, with its proxy, its application and Istio's redirection, and the world, where
// every other address there is (services, pods, the Internet) is at home. Needs root. Whatever is made here is removed with the process.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { debianTool } from "../harness/tools.ts";

/** The world's name server, where node-local caches of Kubernetes listen. */
export const NAME_SERVER = "169.254.20.10";
/** Where calls into the pod come from, when they come from the world itself. */
const WORLD_ADDRESS = "10.244.255.1";
const WORLD_ADDRESS_6 = "fd00:244:ffff::1";

/** Istio's redirection is by user and group of the proxy; ours runs under this group. */
export const PROXY_GROUP = 1337;
const OUTBOUND_PORT = 15001;
const INBOUND_PORT = 15006;
/** As istio-iptables excludes them from capture by default. */
const NOT_CAPTURED_INBOUND = [15008, 15020, 15021, 15090];

export interface PodNetwork {
  /** A name for `ip netns exec`. */
  readonly world: string;
  readonly pod: string;
  /** The pod moves to other addresses; with `capture` its traffic goes through the ports of a sidecar. */
  setPod(addresses: readonly string[], capture: boolean): void;
  remove(): void;
}

/** Why namespaces cannot be made here, or undefined. */
export function whyNoNamespaces(): string | undefined {
  if (process.platform !== "linux") return "network namespaces are Linux'";
  if (process.getuid?.() !== 0) return "making network namespaces needs root";
  return undefined;
}

/** By this process. */
let made = 0;

/** @throws Error saying what is missing */
export function createPodNetwork(): PodNetwork {
  const reason = whyNoNamespaces();
  if (reason !== undefined) throw new Error(reason);
  debianTool("ip", "iproute2");
  debianTool("iptables", "iptables");
  removeStale();
  const network = `mizzen-${process.pid}-${made++}`;
  const [world, pod] = [`${network}-world`, `${network}-pod`] as const;
  const inWorld = (...args: readonly string[]): void => ip("-n", world, ...args);
  const inPod = (...args: readonly string[]): void => ip("-n", pod, ...args);
  const remove = (): void => {
    for (const name of [world, pod]) removeNamespace(name);
    process.off("exit", remove);
  };
  process.on("exit", remove);
  try {
    for (const name of [world, pod]) {
      // `ip netns exec` lays this over /etc/resolv.conf.
      mkdirSync(join("/etc/netns", name), { recursive: true });
      writeFileSync(join("/etc/netns", name, "resolv.conf"), `nameserver ${NAME_SERVER}\noptions timeout:1 attempts:2\n`);
      ip("netns", "add", name);
      ip("-n", name, "link", "set", "lo", "up");
    }
    inWorld("link", "add", "pod0", "type", "veth", "peer", "name", "eth0", "netns", pod);
    inWorld("addr", "add", `${WORLD_ADDRESS}/32`, "dev", "pod0");
    inWorld("addr", "add", `${WORLD_ADDRESS_6}/128`, "dev", "pod0", "nodad");
    inWorld("link", "set", "pod0", "up");
    // Everything is at home here, except what has a more specific route.
    inWorld("route", "add", "local", "0.0.0.0/0", "dev", "lo", "table", "main");
    inWorld("-6", "route", "add", "local", "::/0", "dev", "lo", "table", "main");
  } catch (error) {
    remove();
    throw new Error(`the network namespaces could not be made: ${String(error)}`, { cause: error });
  }
  return {
    world,
    pod,
    setPod(addresses, capture) {
      inPod("addr", "flush", "dev", "eth0");
      inPod("link", "set", "eth0", "down");
      inPod("link", "set", "eth0", "up");
      for (const address of addresses) {
        const six = address.includes(":");
        inPod("addr", "add", `${address}/${six ? 128 : 32}`, "dev", "eth0", ...(six ? ["nodad"] : []));
      }
      for (const six of [false, true]) {
        const family = six ? ["-6"] : ["-4"];
        const gateway = six ? WORLD_ADDRESS_6 : WORLD_ADDRESS;
        inWorld(...family, "route", "flush", "dev", "pod0", "proto", "boot");
        const own = addresses.filter((address) => address.includes(":") === six);
        if (own.length === 0) continue;
        inPod(...family, "route", "replace", gateway, "dev", "eth0");
        inPod(...family, "route", "replace", "default", "via", gateway, "dev", "eth0", "onlink");
        for (const address of own) inWorld(...family, "route", "replace", address, "dev", "pod0");
        redirect(pod, six, capture);
      }
    },
    remove,
  };
}

/** The rules of istio-iptables for interception mode REDIRECT, without its exclusions that a user has to ask for. */
function redirect(namespace: string, six: boolean, capture: boolean): void {
  const loopback = six ? "::1/128" : "127.0.0.1/32";
  const passthroughSource = six ? "::6/128" : "127.0.0.6/32";
  const inbound = "-A ISTIO_IN_REDIRECT -p tcp -j REDIRECT --to-ports " + INBOUND_PORT;
  const rules = capture
    ? [
        ...["ISTIO_INBOUND", "ISTIO_OUTPUT", "ISTIO_REDIRECT", "ISTIO_IN_REDIRECT"].map((chain) => `:${chain} - [0:0]`),
        "-A PREROUTING -p tcp -j ISTIO_INBOUND",
        "-A OUTPUT -p tcp -j ISTIO_OUTPUT",
        ...NOT_CAPTURED_INBOUND.map((port) => `-A ISTIO_INBOUND -p tcp --dport ${port} -j RETURN`),
        "-A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT",
        inbound,
        `-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports ${OUTBOUND_PORT}`,
        `-A ISTIO_OUTPUT -s ${passthroughSource} -o lo -j RETURN`,
        `-A ISTIO_OUTPUT ! -d ${loopback} -o lo -p tcp -m tcp ! --dport 15008 -m owner --gid-owner ${PROXY_GROUP} -j ISTIO_IN_REDIRECT`,
        `-A ISTIO_OUTPUT -o lo -m owner ! --gid-owner ${PROXY_GROUP} -j RETURN`,
        `-A ISTIO_OUTPUT -m owner --gid-owner ${PROXY_GROUP} -j RETURN`,
        `-A ISTIO_OUTPUT -d ${loopback} -j RETURN`,
        "-A ISTIO_OUTPUT -j ISTIO_REDIRECT",
      ]
    : [];
  const input = ["*nat", ...rules, "COMMIT", ""].join("\n");
  exec("ip", ["netns", "exec", namespace, six ? "ip6tables-restore" : "iptables-restore"], input);
}

function removeStale(): void {
  for (const name of existsSync("/var/run/netns") ? readdirSync("/var/run/netns") : []) {
    const pid = /^mizzen-(\d+)-\d+-(world|pod)$/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) removeNamespace(name);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function removeNamespace(name: string): void {
  try {
    ip("netns", "del", name);
  } catch {
    // It was not made yet, or is gone already.
  }
  rmSync(join("/etc/netns", name), { recursive: true, force: true });
}

function ip(...args: readonly string[]): void {
  exec("ip", args);
}

function exec(command: string, args: readonly string[], input = ""): void {
  execFileSync(command, args, { input, stdio: ["pipe", "pipe", "pipe"], encoding: "utf8" });
}
