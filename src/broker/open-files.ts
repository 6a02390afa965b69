// How many files and sockets this process may have open, and what it does with them: partitions first, then
// connections, with a share that topics cannot take.
// Leaves to others: the limit itself (`ulimit -n`; Bun has raised it to the hard one), and refusing what is too much.
import { closeSync, openSync, readFileSync } from "node:fs";
import { RustLogError } from "../errors.ts";
import { REFUSED_CONNECTIONS_MAX } from "../limits.ts";
import { OPEN_SINKS_MAX } from "../log/disk/append-sink.ts";

/** Of a partition, the log of its active segment; indexes are open only while they are written to. */
const FILES_PER_PARTITION = 1;

/** For pages, metrics and other HTTP requests: three for each connection (http/http-gate.ts). */
const HTTP_FILES = 100;

/** HTTP connections, and the part of the limit on open files that one of them stands for. */
const HTTP_CONNECTIONS_MAX = 512;
const FILES_PER_HTTP_CONNECTION = 32;

/** For the process itself, and what rolls, flushes and removals have open for a moment. */
const FILES_FOR_A_MOMENT = 156;

/** Below this many files for everything else, partitions that were created under a higher limit leave no broker. */
const FILES_BESIDE_PARTITIONS_MIN = 80;

/** What the process itself has open while it runs. */
const PROCESS_FILES = 64;

const RESERVED = REFUSED_CONNECTIONS_MAX + OPEN_SINKS_MAX + HTTP_FILES + FILES_FOR_A_MOMENT;

/** The limit on open files of this process; undefined where the system does not tell. */
function openFilesMax(): number | undefined {
  try {
    const line = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
    return line === null ? undefined : Number(line[1]);
  } catch {
    return undefined;
  }
}

/** How many HTTP connections there may be at once: so few that a flood of them leaves the files of others alone. */
export function httpConnectionsMax(max = openFilesMax()): number {
  if (max === undefined) return HTTP_CONNECTIONS_MAX;
  return Math.min(HTTP_CONNECTIONS_MAX, Math.max(8, Math.floor(max / FILES_PER_HTTP_CONNECTION)));
}

/** Divides the open files between partitions and connections. */
export class OpenFiles {
  /** The limit; undefined where it is not known, and nothing is refused. */
  readonly max: number | undefined;
  readonly #connectionsWanted: number;

  /** `connectionsWanted` is the most connections that the broker would serve. */
  constructor(connectionsWanted: number, max = openFilesMax()) {
    this.#connectionsWanted = connectionsWanted;
    this.max = max;
  }

  /**
   * How many connections there can be beside so many partitions: a quarter of the files in any case, unless more
   * partitions than that were created under a higher limit.
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

  /** Throws DATA_DIRECTORY_UNUSABLE at a start when so many partitions leave no files for anything else. */
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
   * Throws POLICY_VIOLATION when so many partitions would take files of the `connections` that there are, or of the
   * quarter that connections have in any case.
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

/** The files that connections have in any case. */
function share(max: number): number {
  return Math.ceil(max / 4);
}

/** Where the limit is very low, half of it is for partitions and connections all the same. */
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
