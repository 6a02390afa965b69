// The broker put together: data directory, committed offsets, handlers, server; started and stopped in order.
// Leaves to others: all the work. This is the file to read first.
import { CONNECTION_REQUESTS_MAX } from "../limits.ts";
import { OffsetStore } from "../groups/offset-store.ts";
import type { Disk } from "../log/disk/disk.ts";
import { QuickFlushes } from "../log/disk/quick-flush.ts";
import { RealDisk } from "../log/disk/real-disk.ts";
import { DataDirectory } from "../topics/data-directory.ts";
import { collectSoon } from "../collector.ts";
import { formatAddress, isLoopback } from "../net/address.ts";
import type { InflightBudget } from "../net/inflight.ts";
import { Listener } from "../net/listener.ts";
import { LogLimit } from "../net/log-limit.ts";
import { NativeDialect } from "../protocol/native/server/dialect.ts";
import { Router } from "../protocol/native/server/router.ts";
import { BrokerMetrics } from "./metrics.ts";
import { canOpenFiles, OpenFiles } from "./open-files.ts";
import { type BrokerOptions, type ResolvedOptions, resolveOptions } from "./options.ts";
import type { ServiceContext } from "../services/context.ts";
import { VERSION } from "./version.ts";

/** Lines of the storage that are logged in 10 s while clients are served: enough to name each of many partitions. */
const REPORTS_PER_WINDOW = 100;

/**
 * Whether a broker serves requests. A degraded one does, but for the partitions that are offline; a failed one has
 * stopped by itself, because its disk failed.
 */
export interface BrokerHealth {
  readonly status: "ok" | "degraded" | "stopping" | "failed";
  /** Why it failed. */
  readonly reason?: string;
  /** How many partitions are offline, if there are any. */
  readonly offlinePartitions?: number;
  /** The first of them, with their reasons. */
  readonly offline?: readonly { readonly partition: string; readonly reason: string }[];
}

/** Offline partitions that the health lists. */
const HEALTH_OFFLINE_MAX = 20;

/** What a browser shows that was sent to the port of the clients. */
const HTTP_HINT =
  "This port is for clients of the RustLog broker, and speaks no HTTP.\n" +
  "The live page and the metrics have ports of their own: see --ui and --metrics-port of `rustlog broker`.\n";

/** A running broker. */
export class Broker implements AsyncDisposable {
  /** What the use cases work on, for `http/`. A program that embeds a broker uses a client. */
  readonly context: ServiceContext;
  /** What is counted while it works. */
  readonly metrics: BrokerMetrics;
  readonly #options: ResolvedOptions;
  readonly #data: DataDirectory;
  readonly #dialect: NativeDialect;
  readonly #listener: Listener;
  readonly #reports: LogLimit;
  readonly #retention: Timer;
  #retentionRun: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;
  #failure: Error | undefined;

  private constructor(
    options: ResolvedOptions,
    data: DataDirectory,
    offsets: OffsetStore,
    metrics: BrokerMetrics,
    reports: LogLimit,
    files: OpenFiles,
  ) {
    this.metrics = metrics;
    this.#reports = reports;
    this.#options = options;
    this.#data = data;
    this.context = {
      registry: data.registry,
      offsets,
      brokerVersion: VERSION,
      logDirectoryId: data.id,
      batchBytesMax: options.maxBatchBytes,
      autoCreateTopics: options.autoCreateTopics,
      defaultPartitions: options.defaultPartitions,
    };
    this.#dialect = new NativeDialect(new Router(this.context), metrics);
    this.#listener = new Listener({
      host: options.host,
      port: options.port,
      get connectionsMax() {
        return files.connectionsBeside(data.registry.partitionCount);
      },
      inflightBytesMax: options.maxInflightBytes,
      idleTimeoutMs: options.idleTimeoutMs,
      limits: {
        frameBytesMax: options.maxFrameBytes,
        connectionBytesMax: options.maxConnectionBytes,
        connectionRequestsMax: CONNECTION_REQUESTS_MAX,
      },
      metrics,
      dialects: [this.#dialect],
      httpHint: HTTP_HINT,
      canOpenFiles,
      log: options.log,
    });
    this.#retention = setInterval(() => this.#applyRetention(), options.retentionCheckMs);
  }

  /**
   * Opens the data directory, recovering what a crash left, and starts serving. Rejects with a RangeError
   * that names the option which does not fit, with DATA_DIRECTORY_UNUSABLE when the directory can't be used (another
   * broker has it, a newer format), and with an error that says what to do when the address can't be had.
   */
  static async start(options: BrokerOptions, disk?: Disk): Promise<Broker> {
    const resolved = resolveOptions(options);
    const { log } = resolved;
    const metrics = new BrokerMetrics();
    const quick = new QuickFlushes({ answered: () => metrics.requestsAnswered });
    const files = new OpenFiles(resolved.maxConnections);
    let broker: Broker | undefined;
    let failure: Error | undefined;
    const reports = new LogLimit(log, { linesPerWindow: REPORTS_PER_WINDOW });
    const report = (line: string): void => {
      if (broker === undefined) log(line);
      else reports.line("report", line);
    };
    const data = await DataDirectory.open(resolved.dataDir, {
      disk: disk ?? new RealDisk(quick),
      flush: resolved.flush,
      logDefaults: {
        segmentBytes: resolved.segmentBytes,
        segmentMs: resolved.segmentMs,
        retentionBytes: resolved.retentionBytes,
        retentionMs: resolved.retentionMs,
      },
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
      const offsets = await OffsetStore.open({ registry, mode, now: Date.now, report });
      if (failure !== undefined) throw failure;
      broker = new Broker(resolved, data, offsets, metrics, reports, files);
      reportConnections(resolved, files, registry.partitionCount);
    } catch (error) {
      if (failure === undefined) await data.closeCleanly();
      else data.abandon();
      throw error;
    }
    if (!isLoopback(resolved.host)) {
      log(
        `listening on ${broker.address}, reachable from other machines: there is no authentication`,
      );
    }
    return broker;
  }

  /** The address that is listened on, as it was asked for. */
  get host(): string {
    return this.#options.host;
  }

  /** The port that is listened on, also when a free one was asked for. */
  get port(): number {
    return this.#listener.port;
  }

  /** `host:port`, as a client is told it. */
  get address(): string {
    return formatAddress(this.host, this.port);
  }

  /** Whether requests are served; if not, why. The start of a broker resolves when they are. */
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

  /** Connections that are being served. */
  get connections(): number {
    return this.#listener.connections.size;
  }

  /** What requests and answers keep in memory, and how many fetches wait. */
  get inflight(): Pick<InflightBudget, "workingBytes" | "keptBytes" | "waits"> {
    return this.#listener.budget;
  }

  /**
   * Stops: accepts no more, answers what is in flight, closes the connections, flushes, and notes that the
   * stop was clean. Calling it again waits for the same stop. After a failed flush nothing is noted, and the
   * next start recovers.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** Stops. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    clearInterval(this.#retention);
    await this.#listener.stop(this.#options.stopGraceMs);
    await this.#dialect.idle();
    await this.#retentionRun;
    if (this.#failure === undefined) await this.#data.closeCleanly();
    else this.#data.abandon();
    this.#reports.close();
  }

  /** Nothing can be promised any more: every connection is cut before it could be told something. */
  #fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    clearInterval(this.#retention);
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

/** Says so when the limit on open files is too low for the connections that were asked for. */
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
