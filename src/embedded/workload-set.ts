// The workloads of the mesh: those that it runs itself, kept equal to the WorkloadGroups of the configuration, and those that join by
// hand from a terminal.
import type { Readable } from "node:stream";
import type { Endpoint } from "#agent/bootstrap";
import { applicationEnvironment } from "#agent/environment";
import type { AgentChannel } from "#agent/health-stream";
import type { InstanceAddress } from "#agent/instance-address";
import { startsNode } from "#agent/node-version";
import { WorkloadAgent } from "#agent/workload-agent";
import type { ProxyHost } from "#agent/workload-agent";
import type { Clock } from "#runtime/clock";
import type { Log } from "#runtime/log";
import type { Random } from "#runtime/random";
import type { AddressPool } from "./address-pool.ts";
import type { RunnableGroup } from "./child-messages.ts";
import type { JoinEvent } from "./join-request.ts";
import type { NodeFolder } from "./node-folder.ts";
import { SupervisedWorkload } from "./supervised-workload.ts";

export interface WorkloadSetOptions {
  readonly pool: AddressPool;
  readonly proxies: ProxyHost;
  readonly channel: AgentChannel;
  readonly controlPlane: Endpoint;
  readonly nodeFolder: Pick<NodeFolder, "folder">;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly userPath: string | undefined;
  readonly version: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly onOutput: (instance: string, readable: Readable) => void;
  readonly onGroup: (event: "begin" | "end", processGroup: number) => void;
}

export interface WorkloadStatus {
  readonly name: string;
  readonly namespace: string;
  readonly nodeId: string;
  readonly group: string;
  readonly state: string;
  readonly address: string;
  readonly adminPort: number;
  readonly httpProxyPort: number;
  readonly pid: number | undefined;
  readonly restarts: number;
  /** Joined from a terminal: its process is not ours. */
  readonly byHand: boolean;
}

interface Member {
  readonly group: RunnableGroup;
  readonly instance: string;
  readonly place: InstanceAddress;
  readonly agent: WorkloadAgent;
  /** undefined: joined by hand. */
  readonly workload: SupervisedWorkload | undefined;
  readonly tell: ((event: JoinEvent) => void) | undefined;
  ending: Promise<void> | undefined;
}

const REPLACEMENT_LIVE_MS = 10_000;
const MAX_MEMBERS = 1_000;

export class WorkloadSet {
  #options: WorkloadSetOptions;
  #members = new Map<string, Member>();
  #wanted = new Map<string, RunnableGroup>();
  #turn: Promise<void> = Promise.resolve();
  #reserved = new Set<string>();
  #closed = false;

  constructor(options: WorkloadSetOptions) {
    this.#options = options;
  }

  /** The groups of the configuration as of now. Resolves when what is to run was started. */
  setGroups(groups: readonly RunnableGroup[]): Promise<void> {
    this.#wanted = new Map(groups.map((group) => [groupKey(group), group]));
    this.#turn = this.#turn.then(() => this.#reconcile());
    return this.#turn;
  }

  findGroup(namespace: string, name: string): RunnableGroup | undefined {
    return this.#wanted.get(`${namespace}/${name}`);
  }

  get groupNames(): readonly string[] {
    return [...this.#wanted.keys()].sort();
  }

  status(): readonly WorkloadStatus[] {
    return [...this.#members.values()].map(({ group, instance, place, agent, workload }) => ({
      name: instance,
      namespace: group.spec.namespace,
      nodeId: agent.nodeId,
      group: group.spec.group,
      state: agent.state,
      address: place.address,
      adminPort: place.adminPort,
      httpProxyPort: place.httpProxyPort,
      pid: workload?.pid,
      restarts: workload?.restarts ?? 0,
      byHand: workload === undefined,
    }));
  }

  /** Resolves per member once it is live; used for the first start. */
  whenLive(): readonly { readonly instance: string; readonly live: Promise<boolean> }[] {
    return [...this.#members.values()].map(({ instance, agent }) => ({ instance, live: agent.live }));
  }

  /** Brings what runs in line with what is wanted. A changed group gets its new instance first, then loses the old one. */
  async #reconcile(): Promise<void> {
    if (this.#closed) return;
    const ours = [...this.#members.values()].filter((member) => member.workload !== undefined && member.ending === undefined);
    const starting: Promise<void>[] = [];
    for (const [key, group] of this.#wanted) {
      const old = ours.filter((member) => groupKey(member.group) === key);
      if (group.command === undefined || old.some((member) => sameGroup(member.group, group))) continue;
      starting.push(this.#replace(group, old));
    }
    for (const member of ours) {
      const group = this.#wanted.get(groupKey(member.group));
      if (group === undefined || group.command === undefined) void this.#end(member);
    }
    await Promise.all(starting);
  }

  async #replace(group: RunnableGroup, old: readonly Member[]): Promise<void> {
    const { log, clock } = this.#options;
    let member: Member;
    try {
      member = await this.#start(group);
    } catch (error) {
      log.error(`cannot start ${group.spec.group}`, { reason: error instanceof Error ? error.message : String(error) });
      return;
    }
    if (old.length === 0) return;
    let cancel: () => void = () => {};
    const late = new Promise<void>((resolve) => {
      const timer = clock.setTimer(REPLACEMENT_LIVE_MS, resolve);
      cancel = () => timer.cancel();
    });
    void Promise.race([member.agent.live, late]).then(() => {
      cancel();
      for (const gone of old) void this.#end(gone);
    });
  }

  async #start(group: RunnableGroup): Promise<Member> {
    const { clock, log, nodeFolder, environment, userPath, onOutput, onGroup } = this.#options;
    const instance = this.#nextName(group);
    const place = await this.#place(instance, group, undefined);
    const command = group.command ?? "";
    const variables = applicationEnvironment({
      base: environment,
      userPath,
      binFolder: startsNode(command) ? await nodeFolder.folder() : undefined,
      instance,
      applicationPorts: place.inbound.map(({ port, application }) => ({ name: port.name, port: application.port })),
      httpProxy: { address: place.address, port: place.httpProxyPort },
    });
    const agent = this.#agent(group, instance, place, variables);
    const workload = new SupervisedWorkload({
      instance,
      command,
      directory: group.directory,
      environment: variables,
      agent,
      clock,
      log,
      onOutput: (_stream, readable) => onOutput(instance, readable),
      onGroup,
    });
    const member: Member = { group, instance, place, agent, workload, tell: undefined, ending: undefined };
    this.#members.set(instance, member);
    if (this.#closed) {
      this.#forget(member);
      throw new Error("the mesh is being stopped");
    }
    workload.start();
    return member;
  }

  /** Takes in an instance whose process runs elsewhere. `tell` hears of what happens to it. */
  async join(
    group: RunnableGroup,
    preferredPort: number | undefined,
    yaml: string | undefined,
    tell: (event: JoinEvent) => void,
  ): Promise<string> {
    if (this.#closed) throw new Error("the mesh is being stopped");
    const instance = this.#nextName(group);
    const place = await this.#place(instance, group, preferredPort);
    const ports = place.inbound.map(({ port, application }) => ({ name: port.name, port: application.port }));
    const agent = this.#agent(group, instance, place, {});
    const member: Member = { group, instance, place, agent, workload: undefined, tell, ending: undefined };
    this.#members.set(instance, member);
    agent.start();
    agent.applicationStarted();
    tell({
      event: "joined",
      instance,
      applicationPorts: ports,
      httpProxy: { address: place.address, port: place.httpProxyPort },
      ...(yaml === undefined ? {} : { yaml }),
    });
    void agent.live.then((live) => {
      if (live) tell({ event: "live" });
    });
    return instance;
  }

  /** Takes an instance that joined by hand out of traffic; its process may end when this resolves. False: there is no such instance. */
  async drain(instance: string): Promise<boolean> {
    const member = this.#members.get(instance);
    if (member === undefined || member.workload !== undefined) return false;
    await member.agent.drain();
    return true;
  }

  /** The process of an instance that joined by hand is gone. */
  async leave(instance: string, reason: string): Promise<void> {
    const member = this.#members.get(instance);
    if (member === undefined || member.workload !== undefined || member.ending !== undefined) return;
    member.agent.applicationEnded(reason);
    member.ending = member.agent.close(0).then(() => this.#forget(member));
    await member.ending;
  }

  /** Drains and ends everything, all at once. */
  async close(): Promise<void> {
    this.#closed = true;
    const members = [...this.#members.values()];
    for (const member of members) member.tell?.({ event: "stop" });
    await Promise.all(members.map((member) => this.#end(member)));
  }

  kill(): void {
    this.#closed = true;
    for (const member of this.#members.values()) {
      member.workload?.kill();
      void member.agent.close(0);
    }
  }

  #end(member: Member): Promise<void> {
    member.ending ??= (
      member.workload === undefined ? member.agent.drain().then(() => member.agent.close(0)) : member.workload.stop()
    ).then(() => this.#forget(member));
    return member.ending;
  }

  #forget(member: Member): void {
    if (this.#members.get(member.instance) === member) this.#members.delete(member.instance);
    this.#reserved.delete(member.instance);
    this.#options.pool.release(member.place);
  }

  async #place(instance: string, group: RunnableGroup, preferredPort: number | undefined): Promise<InstanceAddress> {
    try {
      return await this.#options.pool.allocate(group.spec.ports, preferredPort);
    } catch (error) {
      this.#reserved.delete(instance);
      throw error;
    }
  }

  #agent(group: RunnableGroup, instance: string, place: InstanceAddress, environment: Readonly<Record<string, string>>): WorkloadAgent {
    const { controlPlane, channel, proxies, version, clock, random, log } = this.#options;
    return new WorkloadAgent({
      instance,
      spec: group.spec,
      place,
      directory: group.directory,
      environment,
      controlPlane,
      channel,
      proxies,
      version,
      clock,
      random,
      log,
      terminationDrainMs: group.terminationDrainMs,
    });
  }

  /** `reviews-v2-1`: the lowest number that is free, reserved until its member is gone: two starts in a row cannot get the same. */
  #nextName(group: RunnableGroup): string {
    if (this.#reserved.size >= MAX_MEMBERS) throw new Error(`there are ${MAX_MEMBERS} workloads already; end some of them`);
    for (let index = 1; ; index++) {
      const name = `${group.spec.group}-${index}`;
      if (this.#reserved.has(name)) continue;
      this.#reserved.add(name);
      return name;
    }
  }
}

function groupKey(group: RunnableGroup): string {
  return `${group.spec.namespace}/${group.spec.group}`;
}

function sameGroup(a: RunnableGroup, b: RunnableGroup): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
