// Divides the open files of the process: partitions first, then connections, which have a share that topics can't take.
// Leaves to others: the limit itself (`ulimit -n`; Bun has raised it to the hard limit), and rejecting what is too
// much.
import { closeSync, openSync, readFileSync } from "node:fs";
import { RustLogError } from "../errors.js";
import { REFUSED_CONNECTIONS_MAX } from "../limits.js";
import { OPEN_SINKS_MAX } from "../log/disk/append-sink.js";

/** Per partition, the log of its active segment; indexes are open only while they are written. */
const FILES_PER_PARTITION = 1;

/** For pages, metrics and other HTTP requests: three per connection (http/http-gate.ts). */
const HTTP_FILES = 100;

/** Maximum number of HTTP connections, and the share of the limit on open files that one of them needs. */
const HTTP_CONNECTIONS_MAX = 512;
const FILES_PER_HTTP_CONNECTION = 32;

/** For the process itself, and for files that rolls, flushes and removals open briefly. */
const FILES_FOR_A_MOMENT = 156;

/** The least that must remain for everything else at a start, when partitions were created under a higher limit. */
const FILES_BESIDE_PARTITIONS_MIN = 80;

const PROCESS_FILES = 64;

const RESERVED = REFUSED_CONNECTIONS_MAX + OPEN_SINKS_MAX + HTTP_FILES + FILES_FOR_A_MOMENT;

/** The limit on open files of this process; undefined if the system does not report it. */
function openFilesMax(): number | undefined {
  try {
    const line = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
    return line === null ? undefined : Number(line[1]);
  } catch {
    return undefined;
  }
}

/** Maximum number of HTTP connections: few enough that a flood of them leaves the files of others alone. */
export function httpConnectionsMax(max = openFilesMax()): number {
  if (max === undefined) return HTTP_CONNECTIONS_MAX;
  return Math.min(HTTP_CONNECTIONS_MAX, Math.max(8, Math.floor(max / FILES_PER_HTTP_CONNECTION)));
}

/** Divides the open files between partitions and connections. */
export class OpenFiles {
  /** The limit; undefined if it is unknown, and nothing is rejected. */
  readonly max: number | undefined;
  readonly #connectionsWanted: number;

  /** `connectionsWanted` is the configured maximum. */
  constructor(connectionsWanted: number, max = openFilesMax()) {
    this.#connectionsWanted = connectionsWanted;
    this.max = max;
  }

  /**
   * Maximum number of connections beside this many partitions: at least a quarter of the files, unless more partitions
   * were created under a higher limit.
   */
  connectionsBeside(partitions: number): number {
    if (this.max === undefined) return this.#connectionsWanted;
    const left = this.max - partitions * FILES_PER_PARTITION;
    const possible = Math.max(
      1,
      Math.min(share(this.max), left - Math.min(PROCESS_FILES, left / 2)),
    );
    const connections = Math.max(left - reserved(this.max), Math.floor(possible));
    return Math.min(this.#connectionsWanted, connections);
  }

  /** Throws DATA_DIRECTORY_UNUSABLE at a start if this many partitions leave no files for anything else. */
  checkStart(partitions: number): void {
    const needed = partitions * FILES_PER_PARTITION + FILES_BESIDE_PARTITIONS_MIN;
    if (this.max === undefined || partitions === 0 || needed <= this.max) return;
    throw new RustLogError(
      "DATA_DIRECTORY_UNUSABLE",
      `the limit on open files (${this.max}) is too low for ${partitions} partitions: ` +
        `raise it to ${needed} at least (\`ulimit -n\`)`,
    );
  }

  /**
   * Throws POLICY_VIOLATION if this many partitions would take files from the open `connections`, or from the quarter
   * reserved for connections.
   */
  checkPartitions(partitions: number, connections: number): void {
    if (this.max === undefined) return;
    const beside = Math.max(connections, Math.min(this.#connectionsWanted, share(this.max)));
    const left = this.max - reserved(this.max) - beside;
    const possible = Math.max(0, Math.floor(left / FILES_PER_PARTITION));
    if (partitions <= possible) return;
    throw new RustLogError(
      "POLICY_VIOLATION",
      `the broker would have ${partitions} partitions, and its limit on open files (${this.max}) leaves room for ` +
        `${possible} beside ${beside} connections: create fewer, delete topics, or raise the limit ` +
        "(`ulimit -n`) and restart the broker",
    );
  }
}

/** The files reserved for connections. */
function share(max: number): number {
  return Math.ceil(max / 4);
}

/** With a very low limit, half of it is still for partitions and connections. */
function reserved(max: number): number {
  return Math.min(RESERVED, Math.floor(max / 2));
}

/** Whether `count` more files can be opened now. */
export function canOpenFiles(count: number): boolean {
  const opened: number[] = [];
  try {
    while (opened.length < count) opened.push(openSync("/dev/null", "r"));
    return true;
  } catch {
    return false;
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}
