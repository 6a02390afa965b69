// The composition of the broker: data directory, committed offsets, services, listener; started and stopped in order.
// Read this file first. Leaves to others: all the work.
import { statfs } from "node:fs/promises";
import { clockMs } from "../clock.js";
import { CONNECTION_REQUESTS_MAX, FRAME_OVERHEAD_BYTES, LOGIN_TIMEOUT_MS } from "../limits.js";
import { GroupCoordinator } from "../groups/coordinator.js";
import { type GroupClock, REAL_CLOCK } from "../groups/group-clock.js";
import { keptMs } from "../groups/offsets/offset-history.js";
import { OffsetStore } from "../groups/offsets/offset-store.js";
import { OFFSETS_TOPIC } from "../topics/internal-topics.js";
import { RivalReaders } from "../services/rival-readers.js";
import { CompactionRuns } from "../services/compaction-runs.js";
import { CompactionSlices, CompactionThread } from "../log/compaction/compaction-thread.js";
import type { Disk } from "../log/disk/disk.js";
import { QuickFlushes } from "../log/disk/quick-flush.js";
import { RealDisk } from "../log/disk/real-disk.js";
import { LogCleaner } from "../topics/log-cleaner.js";
import { DataDirectory } from "../topics/data-directory.js";
import { logDefaults } from "../topics/topic-defaults.js";
import { collectSoon } from "../collector.js";
import { RustLogError } from "../errors.js";
import { formatAddress, isLoopback, listenerText } from "../net/address.js";
import type { Dialect } from "../net/dialect.js";
import type { Connection } from "../net/connection.js";
import type { InflightBudget } from "../net/inflight.js";
import { type Endpoint, Listener } from "../net/listener.js";
import { LogLimit } from "../net/log-limit.js";
import { TlsFiles } from "../net/tls-files.js";
import { KafkaDialect } from "../protocol/kafka/server/dialect.js";
import { NativeDialect } from "../protocol/native/server/dialect.js";
import { Router } from "../protocol/native/server/router.js";
import { anonymousFault } from "./anonymous.js";
import { AuditFile } from "./audit-file.js";
import { AuditLog } from "./audit-log.js";
import { addFirstAdministrator } from "./bootstrap-admin.js";
import { brokerConfigs } from "./broker-configs.js";
import { BrokerMetrics } from "./metrics.js";
import { canOpenFiles, OpenFiles } from "./open-files.js";
import {
  type BrokerOptions,
  type ResolvedEndpoint,
  type ResolvedOptions,
  resolveOptions,
} from "./options.js";
import { CERTIFICATE, METRICS_TOKEN } from "../security/audit.js";
import { EVERYONE } from "../security/caller.js";
import { Oauth, OAUTHBEARER, OauthExchange } from "../security/oauth.js";
import { Quotas } from "../security/quotas.js";
import { Security } from "../security/security.js";
import type { BrokerVitals, ServiceContext } from "../services/context.js";
import { VERSION } from "./version.js";

/** Storage lines logged per 10 s while clients are served: enough to name each of many partitions. */
const REPORTS_PER_WINDOW = 100;

/**
 * Whether a broker serves requests. A degraded broker does, except for offline partitions. A failed one has stopped
 * because its disk failed.
 */
interface BrokerHealth {
  readonly status: "ok" | "degraded" | "stopping" | "failed";
  /** Why the broker failed. */
  readonly reason?: string;
  /** Number of offline partitions, if there are any. */
  readonly offlinePartitions?: number;
  /** The first offline partitions, with reasons. */
  readonly offline?: readonly { readonly partition: string; readonly reason: string }[];
}

/** Maximum number of offline partitions listed in the health. */
const HEALTH_OFFLINE_MAX = 20;

/** Shown by a browser that connects to the clients' port. */
const HTTP_HINT =
  "This port is for clients of RustLog and of Kafka, and speaks no HTTP.\n" +
  "The live page and the metrics have ports of their own: see --ui and --metrics-port of `rustlog broker`.\n";

/** What `Broker.start` opened. */
interface BrokerParts {
  readonly options: ResolvedOptions;
  readonly data: DataDirectory;
  readonly offsets: OffsetStore;
  readonly groups: GroupCoordinator;
  readonly security: Security;
  readonly audit: AuditLog;
  readonly auditFile: AuditFile | undefined;
  readonly quotas: Quotas;
  readonly cleaner: LogCleaner;
  readonly metrics: BrokerMetrics;
  /** Limits the lines logged while clients are served. */
  readonly reports: LogLimit;
  readonly files: OpenFiles;
  readonly tls: TlsFiles | undefined;
}

/** A client connection as monitoring and the page see it. */
export interface ClientConnection extends Pick<
  Connection,
  | "protocol"
  | "client"
  | "user"
  | "isTls"
  | "receivedBytes"
  | "sentBytes"
  | "isGone"
  | "log"
  | "terminate"
> {
  readonly inflight: Pick<
    Connection["inflight"],
    "bytes" | "unanswered" | "waits" | "isMuted" | "mutedMs"
  >;
}

/** A running broker. */
export class Broker implements AsyncDisposable {
  /** The context of the use cases, for `http/`. A program that embeds a broker uses a client. */
  readonly context: ServiceContext;
  /** Counters. */
  readonly metrics: BrokerMetrics;
  readonly audit: AuditLog;
  readonly #options: ResolvedOptions;
  readonly #tls: TlsFiles | undefined;
  readonly #data: DataDirectory;
  readonly #dialects: readonly Dialect[];
  readonly #listener: Listener;
  readonly #reports: LogLimit;
  readonly #auditFile: AuditFile | undefined;
  readonly #cleaner: LogCleaner;
  readonly #retention: Timer;
  #retentionRun: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;
  #failure: Error | undefined;
  #configs: ServiceContext["brokerConfigs"] | undefined;

  private constructor(parts: BrokerParts) {
    const { options, data, offsets, groups, cleaner, security, quotas } = parts;
    const { metrics, reports, files, tls } = parts;
    const startedMs = Date.now();
    this.audit = parts.audit;
    this.#auditFile = parts.auditFile;
    this.metrics = metrics;
    this.#reports = reports;
    this.#options = options;
    this.#data = data;
    this.#cleaner = cleaner;
    this.context = {
      registry: data.registry,
      offsets,
      groups,
      compactions: new CompactionRuns(cleaner),
      rivals: new RivalReaders(),
      producerIds: data.producerIds,
      brokerVersion: VERSION,
      logDirectoryId: data.id,
      batchBytesMax: options.maxBatchBytes,
      autoCreateTopics: options.autoCreateTopics,
      defaultPartitions: options.defaultPartitions,
      strictReplicationFactor: options.strictReplicationFactor,
      get brokerConfigs() {
        return configs();
      },
      logDirectory: { path: options.dataDir, space: () => spaceOf(options.dataDir) },
      get vitals() {
        return vitals();
      },
      security,
      audit: parts.audit,
      quotas,
      throttles: metrics,
      caller: EVERYONE,
    };
    const vitals = (): BrokerVitals => ({
      ...{ startedMs, wasClean: data.wasClean || data.isNew, certificate: tls },
      ...{ connections: this.connections, connectionsMax: this.#listener.connectionsMax },
      mutedConnections: this.mutedConnections,
    });
    const configs = () => {
      this.#configs ??= brokerConfigs(options, this.#listeners());
      return this.#configs;
    };
    this.#dialects = [
      new NativeDialect(new Router(this.context), metrics),
      new KafkaDialect(this.context, metrics),
    ];
    this.#tls = tls;
    const [first, ...others] = options.endpoints;
    const endpointOf = ({ isTls, ...endpoint }: ResolvedEndpoint): Endpoint => ({
      ...endpoint,
      tls: isTls ? tls : undefined,
    });
    this.#listener = new Listener({
      endpoints: [endpointOf(first), ...others.map(endpointOf)],
      get connectionsMax() {
        return files.connectionsBeside(data.registry.partitionCount);
      },
      get requiresLogin() {
        return security.isEnabled;
      },
      connectionsPerIpMax: options.maxConnectionsPerIp,
      connectionsPerUserMax: options.maxConnectionsPerUser,
      refusalOf: (address) => refusalOf(quotas, address),
      loginTimeoutMs: LOGIN_TIMEOUT_MS,
      inflightBytesMax: options.maxInflightBytes,
      idleTimeoutMs: options.idleTimeoutMs,
      limits: {
        frameBytesMax: options.maxFrameBytes,
        connectionBytesMax: options.maxConnectionBytes,
        connectionRequestsMax: CONNECTION_REQUESTS_MAX,
      },
      metrics,
      dialects: this.#dialects,
      httpHint: HTTP_HINT,
      canOpenFiles,
      log: options.log,
    });
    quotas.onChange = () => this.#listener.unmuteAll();
    security.onUsersChanged = () => this.#listener.checkLogins();
    tls?.watch();
    this.#retention = setInterval(() => this.#applyRetention(), options.retentionCheckMs);
    cleaner.start();
  }

  /**
   * Opens the data directory, recovers what a crash left, and starts serving. Rejects with a RangeError that names the
   * invalid option, with DATA_DIRECTORY_UNUSABLE if the directory can't be used (by another broker, or a newer format),
   * and with an error that says what to do if the address is unavailable. Tests have a disk and a clock of their own.
   */
  static async start(
    options: BrokerOptions,
    disk?: Disk,
    clock: GroupClock = REAL_CLOCK,
  ): Promise<Broker> {
    const resolved = resolveOptions(options);
    const { log } = resolved;
    const metrics = new BrokerMetrics();
    const quick = new QuickFlushes({ answered: () => metrics.requestsAnswered });
    const files = new OpenFiles(resolved.maxConnections);
    let broker: Broker | undefined;
    let auditFile: AuditFile | undefined;
    let failure: Error | undefined;
    const reports = new LogLimit(log, { linesPerWindow: REPORTS_PER_WINDOW });
    const report = (line: string): void => {
      if (broker === undefined) log(line);
      else reports.line("report", line);
    };
    const oauth = await openOauth(resolved, report);
    const theDisk = disk ?? new RealDisk(quick);
    const tls = resolved.tls === undefined ? undefined : new TlsFiles(resolved.tls, log);
    const data = await DataDirectory.open(resolved.dataDir, {
      disk: theDisk,
      flush: resolved.flush,
      batchBytesHighest: resolved.maxFrameBytes - FRAME_OVERHEAD_BYTES,
      logDefaults: logDefaults(resolved, resolved.topicDefaults),
      admit: (partitions) => files.checkPartitions(partitions, broker?.connections ?? 0),
      autoCreateTopics: resolved.autoCreateTopics,
      defaultPartitions: resolved.defaultPartitions,
      now: Date.now,
      report,
      onFlush: (ms) => metrics.flushDuration.observe(ms),
      onFilesDeleted: collectSoon,
      onFatal: (error) => {
        failure ??= error;
        if (broker !== undefined) broker.#fail(error);
      },
    });
    try {
      const { registry } = data;
      files.checkStart(registry.partitionCount);
      const mode = resolved.offsets;
      const cleaner = new LogCleaner({
        ...{ registry, now: Date.now, report, observer: metrics, onFilesDeleted: collectSoon },
        ...{ mapBytes: resolved.compactionMemory, checkMs: resolved.compactionCheckMs },
        keptMs: (log) => (log.topic === OFFSETS_TOPIC ? keptMs(log, Date.now()) : 0),
        runner:
          disk === undefined
            ? new CompactionThread(theDisk, report, metrics)
            : new CompactionSlices(disk),
      });
      const onGrown = (): void => cleaner.cleanSoon();
      const offsets = await OffsetStore.open({ registry, mode, now: Date.now, report, onGrown });
      const initialRebalanceDelayMs = resolved.groupInitialRebalanceDelayMs;
      const groups = await GroupCoordinator.open({
        ...{ registry, offsets, clock, initialRebalanceDelayMs, observer: metrics, report },
        offsetsRetentionMs: resolved.offsetsRetentionMs,
      });
      if (failure !== undefined) throw failure;
      const security = Security.open(theDisk, resolved.dataDir);
      security.loginMsMax = resolved.connectionsMaxReauthMs;
      if (tls?.asksClients === true) security.require();
      if (oauth !== undefined)
        security.addMechanism(
          OAUTHBEARER,
          (client) => new OauthExchange(oauth, security.loginChecks, client),
        );
      auditFile = openAuditFile(resolved, report);
      const sink = auditFile ?? { isJson: false, line: log };
      const audit = new AuditLog({
        sink,
        isEnabled: () => sink.isJson || security.isEnabled,
        mechanisms: () => [...security.mechanisms, CERTIFICATE, METRICS_TOKEN],
      });
      await bootstrap(security, audit, resolved);
      if (!security.isEnabled) refuseAnonymous(resolved);
      const quotas = Quotas.open(theDisk, resolved.dataDir);
      const secured = { security, quotas, audit, auditFile, tls };
      const parts = { data, offsets, groups, cleaner, ...secured, metrics, reports, files };
      broker = new Broker({ options: resolved, ...parts });
      reportConnections(resolved, files, registry.partitionCount);
    } catch (error) {
      tls?.close();
      auditFile?.close();
      if (failure === undefined) await data.closeCleanly();
      else data.abandon();
      throw error;
    }
    if (tls !== undefined) log(`TLS certificate: ${tls.summary}`);
    if (!broker.context.security.isEnabled) {
      for (const address of broker.addresses.filter((_, i) => isReachable(resolved, i))) {
        log(`listening on ${address}, reachable from other machines: there is no authentication`);
      }
    }
    return broker;
  }

  /** The first listening address as configured. */
  get host(): string {
    return this.#options.endpoints[0].host;
  }

  /** The port in use, also if a free one was requested. */
  get port(): number {
    return this.#listener.port;
  }

  /** `host:port` for clients; the first one. */
  get address(): string {
    return formatAddress(this.host, this.port);
  }

  /** All of them; `tls://host:port` for those with TLS. */
  get addresses(): readonly string[] {
    return this.#listener.endpoints.map(
      ({ tls, host, port }) => `${tls === undefined ? "" : "tls://"}${formatAddress(host, port)}`,
    );
  }

  /** The ports with TLS. */
  get tlsPorts(): readonly number[] {
    return this.#listener.endpoints.filter(({ tls }) => tls !== undefined).map(({ port }) => port);
  }

  /** The certificate of the broker, for HTTP ports, too; undefined without --tls-cert. */
  get tls(): TlsFiles | undefined {
    return this.#tls;
  }

  /** Whether requests are served and, if not, why. `start` resolves once they are. */
  get health(): BrokerHealth {
    if (this.#failure !== undefined) return { status: "failed", reason: this.#failure.message };
    if (this.#stopped !== undefined) return { status: "stopping" };
    const { offline } = this.#data.registry;
    if (offline.length === 0) return { status: "ok" };
    return {
      status: "degraded",
      offlinePartitions: offline.length,
      offline: offline
        .slice(0, HEALTH_OFFLINE_MAX)
        .map(({ name, offline: reason }) => ({ partition: name, reason })),
    };
  }

  /** Number of open client connections. */
  get connections(): number {
    return this.#listener.connections.size;
  }

  /** The open client connections, the oldest first. */
  get clients(): Iterable<ClientConnection> {
    return this.#listener.connections;
  }

  /** Number of connections that are not read, because their clients have used more than their quotas. */
  get mutedConnections(): number {
    return this.#listener.muted;
  }

  /** Memory used by requests and responses, and the number of waiting fetches. */
  get inflight(): Pick<InflightBudget, "workingBytes" | "keptBytes" | "waits"> {
    return this.#listener.budget;
  }

  /**
   * Stops: accepts no more connections, answers requests in flight, closes the connections, flushes, and notes that the
   * stop was clean. Later calls wait for the same stop. After a failed flush there is no note, and the next start
   * recovers.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    clearInterval(this.#retention);
    this.#tls?.close();
    await this.#listener.stop(this.#options.stopGraceMs);
    await Promise.all(this.#dialects.map((dialect) => dialect.idle()));
    await this.context.groups.close();
    await this.#cleaner.stop();
    await this.#retentionRun;
    if (this.#failure === undefined) await this.#data.closeCleanly();
    else this.#data.abandon();
    this.audit.close();
    this.#auditFile?.close();
    this.#reports.close();
  }

  #listeners(): string {
    return this.#listener.endpoints
      .map(({ tls, host, port }) => listenerText(tls !== undefined, host, port))
      .join(",");
  }

  /** Nothing can be promised any more, so close every connection before it gets an answer. */
  #fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    clearInterval(this.#retention);
    void this.#cleaner.stop();
    this.#listener.terminate();
    this.#options.log(
      `fatal: ${error.message}. The broker has stopped serving, because what the disk holds is not known; ` +
        "check the disk and start again: what was acknowledged is recovered from it",
    );
    this.#options.onFatal(error);
  }

  #applyRetention(): void {
    this.#retentionRun = this.#retentionRun
      .then(() => this.#data.registry.applyRetention())
      .then(
        () => {},
        (error: unknown) =>
          this.#options.log(`old segments could not be deleted: ${String(error)}`),
      );
  }
}

/** Throws a RangeError that names the option. */
function openAuditFile(
  { auditLog }: ResolvedOptions,
  report: (line: string) => void,
): AuditFile | undefined {
  return auditLog === undefined ? undefined : new AuditFile(auditLog, report);
}

/** Why a new connection is refused. */
function refusalOf(quotas: Quotas, address: string): RustLogError | undefined {
  const rate = quotas.connectionFrom(address);
  if (rate === undefined) return undefined;
  const message = `${address} opens more connections than its quota connection_creation_rate (${rate}/s)`;
  return new RustLogError("TOO_MANY_CONNECTIONS", message);
}

/** Throws a RangeError if other machines could use the broker without a login, and nobody has allowed that. */
function refuseAnonymous(options: ResolvedOptions): void {
  if (options.allowAnonymous) return;
  const reachable = options.endpoints.find(({ host }) => !isLoopback(host));
  if (reachable === undefined) return;
  const { flags, host } = reachable;
  throw new RangeError(`${flags.host} ${host}: ${anonymousFault(options.dataDir)}`);
}

/** Adds the first administrator, if a file names one and there are no users. */
async function bootstrap(
  security: Security,
  audit: AuditLog,
  { bootstrapAdminFile, log }: ResolvedOptions,
): Promise<void> {
  if (bootstrapAdminFile === undefined) return;
  const name = await addFirstAdministrator(security, bootstrapAdminFile);
  if (name === undefined) return;
  audit.changed(EVERYONE, "user-set", { user: name, by: "--bootstrap-admin-file" });
  log(`added the administrator '${name}': everybody has to log in`);
}

/** Whether other machines can reach one of the addresses to listen on. */
function isReachable({ endpoints }: ResolvedOptions, i: number): boolean {
  const endpoint = endpoints[i];
  return endpoint !== undefined && !isLoopback(endpoint.host);
}

/** Logs a warning if the limit on open files is too low for the configured connections. */
function reportConnections(
  { maxConnections, log }: ResolvedOptions,
  files: OpenFiles,
  partitions: number,
): void {
  const possible = files.connectionsBeside(partitions);
  if (possible >= maxConnections) return;
  log(
    `${possible} connections will be served, not ${maxConnections}: the limit on open files is ${files.max}, ` +
      `and ${partitions} partitions need theirs; raise it (\`ulimit -n\`), or lower --max-connections`,
  );
}

/** Rejects with a RangeError. */
async function openOauth(
  { oauth: options, log }: ResolvedOptions,
  report: (line: string) => void,
): Promise<Oauth | undefined> {
  if (options === undefined) return undefined;
  const oauth = new Oauth(options, { now: clockMs, report });
  await oauth.check();
  if (options.audience === undefined)
    log("tokens are accepted whomever they are for: --oauth-audience restricts that");
  return oauth;
}

/** The size of the file system of a directory, and what is left for this process, in bytes. */
async function spaceOf(directory: string): Promise<{ totalBytes: number; usableBytes: number }> {
  const { bsize, blocks, bavail } = await statfs(directory);
  return { totalBytes: bsize * blocks, usableBytes: bsize * bavail };
}
