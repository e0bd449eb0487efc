// The control plane of one mesh, put together: files -> store -> registry -> mesh -> generated resources -> proxies. Whoever starts
// it chooses addresses, folders and clock; nothing here reads the environment.
import { join } from "node:path";
import type { Finding, ObjectKey, Place } from "#api/finding";
import { decodedKindNames } from "#api/kinds";
import { keyOf, type ApiObject } from "#api/object";
import type { MeshConfigSpec } from "#api/mesh-config";
import { parseFile } from "#api/parse-file";
import type { WorkloadGroupSpec } from "#api/workload-group";
import { unopenedServerFindings } from "#control-plane/generate/gateway/unopened-servers";
import { credentialFindings } from "#control-plane/generate/secret/credential-findings";
import { asApplied } from "#control-plane/api-server/admission/as-applied";
import { ApiServer, type ApiServerOptions } from "#control-plane/api-server/api-server";
import { asJson, asStored } from "#control-plane/api-server/operations/answer";
import { ResourceTable } from "#control-plane/api-server/resources/resource-table";
import { reviewObjects } from "#control-plane/analysis/object-review";
import { meshFindings } from "#control-plane/analysis/mesh-findings";
import { putApplied } from "#control-plane/config/applied-objects";
import { BUILTIN_ORIGIN, builtinDocuments, INGRESS_GATEWAY_LABELS } from "#control-plane/config/builtin-objects";
import { ClusterSource } from "#control-plane/config/kubernetes/cluster-source";
import { DirectorySource } from "#control-plane/config/directory-source";
import { diffFindings } from "#control-plane/config/finding-diff";
import type { ObjectSet } from "#control-plane/config/object-set";
import { CachedObjectStore } from "#control-plane/config/objects/cached-object-store";
import type { Journal } from "#control-plane/config/objects/journal";
import { MemoryJournal } from "#control-plane/config/objects/memory-journal";
import type { ObjectStore } from "#control-plane/config/object-store";
import { ObjectsOfFiles } from "#control-plane/config/objects-of-files";
import { ConfigStore } from "#control-plane/config/store";
import { buildMesh } from "#control-plane/mesh/build-mesh";
import { gatewayPortConflicts } from "#control-plane/mesh/conflicts";
import type { Mesh } from "#control-plane/mesh/mesh";
import { ingressFindings } from "#control-plane/mesh/ingress-findings";
import { uncapturedFindings } from "#control-plane/mesh/uncaptured-findings";
import { mutualTlsFindings } from "#control-plane/mesh/mutual-tls-findings";
import { serviceFindings } from "#control-plane/mesh/service-findings";
import type { Labels } from "#control-plane/registry/labels";
import { registrationFile } from "#control-plane/registry/registration-file";
import { ConfigRegistry } from "#control-plane/registry/config-registry";
import { WorkloadRegistrations } from "#control-plane/registry/workload-registrations";
import { Debounce } from "#control-plane/xds/debounce";
import { Distribution } from "#control-plane/xds/distribution";
import { DiscoveryServer } from "#control-plane/xds/discovery-server";
import { refusalFindings } from "#control-plane/xds/refusal-findings";
import { listenGrpc, type GrpcListener } from "#control-plane/xds/grpc-listener";
import type { Clock, Timer } from "#runtime/clock";
import type { Log } from "#runtime/log";
import { realRandom } from "#runtime/random";
import { followedResources } from "./followed-resources.ts";
import { StatusReporter } from "./status-reporter.ts";
import { listenDebug, type DebugServer } from "./debug/debug-server.ts";

/** A burst of file changes is one push. */
const CONFIG_QUIET_MS = 100;
const CONFIG_MAX_MS = 10_000;
/** Endpoints must not wait; several in the same moment still go together. */
const ENDPOINT_QUIET_MS = 5;
const ENDPOINT_MAX_MS = 10;
const NO_DEFAULTS: MeshConfigSpec = {};
const DEFAULT_DOMAIN = "cluster.local";
const DEFAULT_ROOT_NAMESPACE = "istio-system";
const KINDS = [
  "Service",
  "ServiceEntry",
  "WorkloadGroup",
  "WorkloadEntry",
  "Gateway",
  "VirtualService",
  "DestinationRule",
  "Sidecar",
  "PeerAuthentication",
  "ProxyConfig",
  "MeshConfig",
] as const;
/** What these say reaches proxies as endpoints, by way of the registry. */
const ENDPOINT_KINDS: ReadonlySet<string> = new Set(["Pod", "Node", "EndpointSlice", "Endpoints", "WorkloadEntry"]);

/** A WorkloadGroup and the file that holds it; undefined for one that stands in no file. */
export interface PlacedWorkloadGroup {
  readonly object: ApiObject<WorkloadGroupSpec>;
  readonly file: string | undefined;
}

/** Where the Kubernetes API is served, and what is kept where. */
export type ApiOptions = Pick<ApiServerOptions, "address" | "port" | "hosts" | "clientAuthority" | "stateDirectory" | "kubeconfig">;

/** A cluster whose objects are the mesh's. */
export interface ClusterOptions {
  readonly store: ObjectStore;
  /** Whether conditions are written into the status of its objects. */
  readonly writesStatus: boolean;
}

export interface ControlPlaneOptions {
  /** Folders and files of YAML. */
  readonly sources: readonly string[];
  /** Also the subfolders. */
  readonly recursive: boolean;
  readonly grpc: { readonly address: string; readonly port: number };
  readonly http: { readonly address: string; readonly port: number };
  /** Where registered workloads survive a restart. */
  readonly stateDirectory: string;
  /** Keeps applied objects; without one they live as long as the process. */
  readonly journal?: () => Journal;
  /** The mesh is also that of a Kubernetes cluster. */
  readonly cluster?: ClusterOptions;
  /** The Kubernetes API; it is not served where this is left out. */
  readonly api?: ApiOptions;
  /** Of the product, for `/version`. */
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Below what the user writes, above Istio's defaults. */
  readonly meshConfigDefaults?: MeshConfigSpec;
  /** Labels of the gateway proxies that run or will. */
  readonly gatewayLabels?: readonly Labels[];
  readonly domain?: string;
  readonly onFindings?: (fresh: readonly Finding[], gone: readonly Finding[]) => void;
  /** All WorkloadGroups, at the start and after each change of one. */
  readonly onWorkloadGroups?: (groups: readonly PlacedWorkloadGroup[]) => void;
}

export class ControlPlane {
  readonly #options: ControlPlaneOptions;
  readonly #store = new ConfigStore();
  readonly #registrations: WorkloadRegistrations;
  readonly #registry: ConfigRegistry;
  readonly #source: DirectorySource;
  readonly #objectsOfFiles: ObjectsOfFiles;
  readonly #resources = new ResourceTable();
  #objects: CachedObjectStore | undefined;
  #cluster: ClusterSource | undefined;
  #status: StatusReporter | undefined;
  #api: ApiServer | undefined;
  readonly #server: DiscoveryServer;
  readonly #distribution = new Distribution();
  readonly #configChange: Debounce;
  readonly #endpointChange: Debounce;
  readonly #startedAt: string;
  #mesh: Mesh | undefined;
  #builds = 0;
  #rebuiltMs = Number.NEGATIVE_INFINITY;
  #rebuildTookMs = 0;
  #findings: readonly Finding[] = [];
  #analyzed: { readonly objects: ObjectSet; readonly findings: readonly Finding[] } | undefined;
  #report: Timer | undefined;
  #grpc: GrpcListener | undefined;
  #http: DebugServer | undefined;

  constructor(options: ControlPlaneOptions) {
    this.#options = options;
    const { clock, log } = options;
    this.#startedAt = new Date(clock.wallMs()).toISOString();
    this.#registrations = new WorkloadRegistrations({
      clock,
      log: log.scope("registry"),
      file: registrationFile(join(options.stateDirectory, "workloads.json"), log.scope("registry")),
    });
    this.#registry = new ConfigRegistry({ store: this.#store, registrations: this.#registrations, domain: this.#domain });
    this.#source = new DirectorySource({
      paths: options.sources,
      recursive: options.recursive,
      store: this.#store,
      parse: parseFile,
      clock,
      log: log.scope("config"),
    });
    this.#objectsOfFiles = new ObjectsOfFiles({
      store: this.#store,
      resourceOf: (apiVersion, kind) => this.#resources.nameOf(apiVersion, kind),
      asApplied: (object) => asStored(asApplied(asJson(object))),
    });
    this.#server = new DiscoveryServer({
      clock,
      log: log.scope("xds"),
      registrations: this.#registrations,
      flush: () => this.#flush(),
      onRejections: () => this.#reportFindings(),
    });
    this.#configChange = new Debounce({
      clock,
      quietMs: () => CONFIG_QUIET_MS,
      maxMs: () => CONFIG_MAX_MS,
      run: () => this.#rebuild("all"),
    });
    this.#endpointChange = new Debounce({
      clock,
      // A push that took long is not followed by the next at once: whatever flaps leaves half of the time to others.
      quietMs: () => Math.max(ENDPOINT_QUIET_MS, this.#rebuildTookMs),
      maxMs: () => Math.max(ENDPOINT_MAX_MS, this.#rebuildTookMs),
      run: () => this.#rebuild(this.#configChange.pending ? "all" : "endpoints"),
    });
  }

  get #domain(): string {
    return this.#options.domain ?? DEFAULT_DOMAIN;
  }

  get grpcPort(): number {
    return this.#grpc?.port ?? 0;
  }

  get httpPort(): number {
    return this.#http?.port ?? 0;
  }

  /** 0 where the Kubernetes API is not served. */
  get apiPort(): number {
    return this.#api?.port ?? 0;
  }

  get findings(): readonly Finding[] {
    return this.#findings;
  }

  /** Applied objects, and those of files beside them. */
  get objects(): CachedObjectStore {
    if (this.#objects === undefined) throw new Error("the object store is open once the control plane has started");
    return this.#objects;
  }

  placeOf(key: ObjectKey, field?: string): Place | undefined {
    return this.#store.placeOf(key, field);
  }

  /** Reads the configuration, then listens: no proxy is ever told less than what there is. */
  async start(): Promise<void> {
    const { grpc, http, log, clock } = this.#options;
    const rootNamespace = this.#options.meshConfigDefaults?.rootNamespace ?? DEFAULT_ROOT_NAMESPACE;
    // A cluster has its own.
    if (this.#options.cluster === undefined) this.#store.put(BUILTIN_ORIGIN, builtinDocuments(rootNamespace), clock.monotonicMs());
    const objects = await CachedObjectStore.open({
      journal: this.#options.journal?.() ?? new MemoryJournal(),
      clock,
      random: realRandom,
      log: log.scope("objects"),
    });
    this.#objects = objects;
    this.#status = this.#reportStatus(objects);
    this.#store.subscribe(({ changes }) => {
      for (const { type, key } of changes) if (type !== "deleted") this.#status?.noteChanged(key);
    });
    objects.followStored((changes) => {
      putApplied(this.#store, parseFile, changes);
      this.#store.publish();
    });
    await this.#followCluster(rootNamespace);
    this.#source.start();
    await this.#showFiles();
    this.#rebuild("all");
    this.#reportFindings();
    this.#reportGroups();
    this.#store.subscribe((change) => {
      if (change.changes.length > 0) void this.#showFiles();
      for (const { type, key } of change.changes) {
        if (type === "deleted") this.#distribution.noteDeleted(key);
        else this.#distribution.noteChanged(key);
      }
      // Findings alone (a file that cannot be parsed) change nothing for proxies, but people want to know at once.
      if (change.changes.some(({ key }) => !ENDPOINT_KINDS.has(key.kind))) this.#configChange.request();
      else this.#reportFindings();
      if (change.changes.some(({ key }) => key.kind === "WorkloadGroup")) this.#reportGroups();
    });
    this.#registry.subscribe((changed) => (changed === "services" ? this.#configChange : this.#endpointChange).request());
    this.#grpc = await listenGrpc(this.#server, grpc.address, grpc.port, log.scope("xds"));
    this.#http = await listenDebug(() => this.#debugState(), http.address, http.port);
    await this.#listenApi(objects);
  }

  async #followCluster(rootNamespace: string): Promise<void> {
    const { cluster, clock, log } = this.#options;
    if (cluster === undefined) return;
    this.#cluster = new ClusterSource({
      store: cluster.store,
      resources: followedResources(this.#resources, rootNamespace),
      onChanges: (changes) => {
        putApplied(this.#store, parseFile, changes);
        this.#store.publish();
      },
      clock,
      random: realRandom,
      log: log.scope("cluster"),
    });
    await this.#cluster.start();
  }

  #reportStatus(store: CachedObjectStore): StatusReporter {
    const { cluster } = this.#options;
    return new StatusReporter({
      store: cluster?.store ?? store,
      find: ({ kind, namespace, name }) => this.#store.objects.get(kind, namespace, name),
      distributionOf: (object) => this.#distribution.of(object, this.#server.proxies),
      nameOf: ({ apiVersion, kind, metadata: { name, namespace } }) => {
        const resource = this.#resources.nameOf(apiVersion, kind);
        return resource === undefined || cluster?.writesStatus === false
          ? undefined
          : { ...resource, namespace: resource.namespaced ? namespace : "", name };
      },
      changeInFile: (object, change) => this.#objectsOfFiles.changeStatus(object, change),
      onFilesChanged: () => void this.#showFiles(),
      clock: this.#options.clock,
      log: this.#options.log.scope("status"),
    });
  }

  async #listenApi(store: CachedObjectStore): Promise<void> {
    const { api, version, clock, log } = this.#options;
    if (api === undefined) return;
    const review = (objects: readonly object[]): readonly Finding[] => this.#review(objects);
    this.#api = await ApiServer.listen({
      ...api,
      store,
      table: this.#resources,
      version,
      clock,
      random: realRandom,
      log: log.scope("api"),
      review,
    });
  }

  /** What analysis would say of objects that are not stored yet. */
  #review(written: readonly object[]): readonly Finding[] {
    const { clock, gatewayLabels = [INGRESS_GATEWAY_LABELS] } = this.#options;
    if (this.#mesh === undefined) return [];
    const documents = written.flatMap((object) => parseFile(JSON.stringify(object), ""));
    return reviewObjects({
      objects: this.#store.objects,
      kinds: decodedKindNames(),
      written: documents.flatMap(({ object }) => (object === undefined ? [] : [object])),
      known: this.#findings,
      meshConfig: this.#mesh.config,
      gatewayLabels,
      wallMs: clock.wallMs(),
    });
  }

  /** Objects that stand in no file; they replace what came under the same name before. */
  setObjects(name: string, yaml: string): void {
    const nowMs = this.#options.clock.monotonicMs();
    const path = `<${name}>`;
    if (yaml.trim() === "") this.#removeObjects(path, nowMs);
    else this.#store.put({ path, rank: "memory", seenMs: this.#options.clock.wallMs() }, parseFile(yaml, path), nowMs);
    this.#store.publish();
  }

  /** Resolves once every connected proxy has acknowledged all that is known now. */
  async whenSynced(): Promise<void> {
    await this.#server.whenLive();
  }

  async close(): Promise<void> {
    this.#configChange.cancel();
    this.#endpointChange.cancel();
    this.#report?.cancel();
    this.#source.close();
    this.#cluster?.close();
    await this.#options.cluster?.store.close();
    this.#status?.close();
    this.#registry.close();
    this.#registrations.close();
    await this.#api?.close();
    await this.#objects?.close();
    await this.#grpc?.close();
    await this.#http?.close();
  }

  /** Clients of the object store see what files hold. */
  async #showFiles(): Promise<void> {
    try {
      await this.#objects?.setFiles(this.#objectsOfFiles.list());
    } catch (error) {
      this.#options.log.warn("objects of files cannot be shown to clients of the API; it is tried again with the next change", {
        error: (error as Error).message,
      });
    }
  }

  #removeObjects(path: string, nowMs: number): void {
    // The store asks for a second look because files are truncated before they are written. Nobody truncates here.
    if (this.#store.remove(path, nowMs)) this.#store.remove(path, nowMs + 1_000);
  }

  /** True when something waits for the next push all the same: reports in quick succession share one, instead of one each. */
  #flush(): boolean {
    const sinceMs = this.#options.clock.monotonicMs() - this.#rebuiltMs;
    if (sinceMs < Math.max(ENDPOINT_MAX_MS, this.#rebuildTookMs) && (this.#endpointChange.pending || this.#configChange.pending)) {
      this.#endpointChange.request();
      return true;
    }
    // An endpoint change takes a waiting configuration change along: both are in the next mesh anyway.
    if (this.#configChange.pending) {
      this.#endpointChange.cancel();
      this.#configChange.flush();
    } else this.#endpointChange.flush();
    return false;
  }

  #rebuild(scope: "all" | "endpoints"): void {
    if (scope === "all") this.#configChange.cancel();
    this.#endpointChange.cancel();
    const startedMs = this.#options.clock.monotonicMs();
    this.#mesh = buildMesh(
      {
        version: `${this.#startedAt}/${++this.#builds}`,
        objects: this.#store.objects,
        registry: this.#registry.snapshot,
        meshConfigDefaults: this.#options.meshConfigDefaults ?? NO_DEFAULTS,
        domain: this.#domain,
        hasCertificateAuthority: false,
      },
      this.#mesh,
    );
    this.#distribution.notePushed(this.#server.push(this.#mesh, scope));
    this.#rebuiltMs = this.#options.clock.monotonicMs();
    this.#rebuildTookMs = this.#rebuiltMs - startedMs;
    this.#reportSoon();
  }

  /** Analysis takes its time: proxies are told first. */
  #reportSoon(): void {
    this.#report ??= this.#options.clock.setTimer(0, () => {
      this.#report = undefined;
      this.#reportFindings();
    });
  }

  #reportFindings(): void {
    const mesh = this.#mesh;
    if (mesh === undefined) return;
    const objects = this.#store.objects;
    const gatewayLabels = this.#options.gatewayLabels ?? [INGRESS_GATEWAY_LABELS];
    const domain = this.#domain;
    const gatewayViews = this.#server.proxies.filter(({ node }) => node.type === "router").map(({ node }) => mesh.view(node));
    const computed = [
      ...this.#registry.snapshot.findings,
      ...this.#analyze(mesh, gatewayLabels),
      ...mutualTlsFindings({ mesh, objects, domain }),
      ...ingressFindings({ objects, config: mesh.config }),
      ...gatewayPortConflicts({ mesh, objects, gatewayLabels }),
      ...serviceFindings({ services: mesh.services, objects, gatewayLabels }),
      ...credentialFindings(gatewayViews),
      ...unopenedServerFindings(gatewayViews),
      ...uncapturedFindings(this.#server.proxies.filter(({ node }) => node.httpProxy !== undefined).map(({ node }) => mesh.view(node))),
    ].map((finding) => this.#store.locate(finding));
    const findings = [...this.#store.findings, ...computed, ...refusalFindings(this.#server.proxies)];
    const { fresh, gone } = diffFindings(this.#findings, findings);
    this.#findings = findings;
    if (fresh.length > 0 || gone.length > 0) this.#options.onFindings?.(fresh, gone);
  }

  /** Endpoints come and go more often than objects, and say nothing to an analyzer. */
  #analyze({ config }: Mesh, gatewayLabels: readonly Labels[]): readonly Finding[] {
    const { objects } = this.#store;
    if (this.#analyzed?.objects !== objects) {
      const wallMs = this.#options.clock.wallMs();
      this.#analyzed = { objects, findings: meshFindings({ objects, meshConfig: config, gatewayLabels, wallMs }) };
    }
    return this.#analyzed.findings;
  }

  #reportGroups(): void {
    const groups = this.#store.objects
      .list<WorkloadGroupSpec>("WorkloadGroup")
      .map((object) => ({ object, file: this.#fileOf(keyOf(object)) }));
    this.#options.onWorkloadGroups?.(groups);
  }

  #fileOf(key: ObjectKey): string | undefined {
    const file = this.#store.placeOf(key)?.file;
    return file === undefined || file.startsWith("<") ? undefined : file;
  }

  #debugState() {
    if (this.#mesh === undefined) throw new Error("the debug server was asked before the first mesh was built");
    return {
      version: this.#options.version,
      mesh: this.#mesh,
      objects: this.#store.objects,
      kinds: KINDS,
      findings: this.#findings,
      server: this.#server,
      distribution: this.#distribution,
      apiMetrics: () => this.#api?.counters.text() ?? "",
    };
  }
}

/** @throws Error naming the port that is taken; nothing keeps running then */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const controlPlane = new ControlPlane(options);
  try {
    await controlPlane.start();
  } catch (error) {
    await controlPlane.close();
    throw error;
  }
  return controlPlane;
}
