// An open data directory: its lock, id, note of a clean stop, and topics.
// Leaves to others: the topics (topic-registry.ts), and serving them.
//
//   LOCK                  held by flock while a broker runs; the kernel releases it on death
//   meta.json             { "formatVersion": 1, "id": UUID, "crc32c": … }
//   clean-shutdown.json   written last at a stop, removed before the first write after a start; ignored without a
//                         matching checksum
//   last-boot.json        the machine's boot under which a broker last ran (boot-note.ts)
//   producer-ids.json     the next producer id to give out (producer-ids.ts)
//   flush-failed          exists once a flush has failed: the page cache may hold data that is not on the disk but
//                         looks clean, so the next start rewrites the active segments
//   flush-failed.spare    the same note prepared in advance: renaming it needs no space and no flush
//   topics/
import { dirname } from "node:path";
import { RustLogError } from "../errors.js";
import {
  type DirectoryLock,
  type Disk,
  FlushFailure,
  isDiskFull,
  isUnusable,
  joinPath,
  reasonOf,
  systemErrorCode,
} from "../log/disk/disk.js";
import { hasRebooted, noteBoot } from "./boot-note.js";
import { CLEAN, takeCleanNote, writeCleanNote } from "./clean-note.js";
import { readMeta, upgradeMeta, writeMeta } from "./meta-file.js";
import { ProducerIds } from "./producer-ids.js";
import type { CleanSegments } from "./topic.js";
import { type RegistryContext, TopicRegistry } from "./topic-registry.js";

export const FLUSH_FAILED = "flush-failed";

export const FLUSH_FAILED_SPARE = "flush-failed.spare";

interface Health {
  flushFailed: boolean;
}

interface DataDirectoryParts {
  readonly disk: Disk;
  readonly path: string;
  readonly lock: DirectoryLock;
  readonly health: Health;
  readonly id: string;
  readonly isNew: boolean;
  readonly wasClean: boolean;
  readonly registry: TopicRegistry;
  readonly report: (line: string) => void;
}

export class DataDirectory {
  /** Created with the directory. Lets a client detect that it is connected to another log than before. */
  readonly id: string;
  /** Whether the last broker stopped cleanly, so that no scan was needed. */
  readonly wasClean: boolean;
  /** Whether no broker has had it before. */
  readonly isNew: boolean;
  readonly registry: TopicRegistry;
  readonly producerIds: ProducerIds;
  readonly #parts: DataDirectoryParts;

  private constructor(parts: DataDirectoryParts) {
    this.#parts = parts;
    this.id = parts.id;
    this.wasClean = parts.wasClean;
    this.isNew = parts.isNew;
    this.registry = parts.registry;
    this.producerIds = new ProducerIds(parts.disk, parts.path);
  }

  /**
   * Takes the lock, creates missing files and recovers all topics. Throws DATA_DIRECTORY_UNUSABLE if another process
   * holds the directory or its format is unsupported.
   */
  static async open(
    path: string,
    context: Omit<RegistryContext, "directory" | "directoryId">,
  ): Promise<DataDirectory> {
    const { disk } = context;
    makeDirectory(disk, path);
    const lock = disk.lock(joinPath(path, "LOCK"));
    try {
      const topics = joinPath(path, "topics");
      const meta = readMeta(disk, path);
      const id = meta?.id ?? (await DataDirectory.#initialise(disk, path, topics));
      if (meta?.isOutdated === true) await upgradeMeta(disk, path, id, context.report);
      const clean = takeCleanNote(disk, path, context.report);
      // Also when nothing was created: the previous process may have been killed before it flushed its renames.
      await disk.syncDirectory(path);
      const health: Health = { flushFailed: false };
      const onFatal = (error: Error): void => {
        health.flushFailed = true;
        // Write the note immediately: the process may be killed before it closes the directory.
        noteFailedFlush(disk, path);
        context.onFatal(error);
      };
      const rewrite = disk.fileSize(joinPath(path, FLUSH_FAILED)) !== undefined;
      if (!rewrite) makeSpareNote(disk, path, context.report);
      const registry = await TopicRegistry.open(
        { ...context, onFatal, directory: topics, directoryId: id },
        { clean: clean ?? new Map(), rewrite, rebooted: hasRebooted(disk, path) },
      ).catch((error: unknown) => {
        // The next start must not treat cached data as durable.
        if (error instanceof FlushFailure) noteFailedFlush(disk, path);
        throw error;
      });
      if (registry.offline.some((it) => it.hasFailedFlush)) noteFailedFlush(disk, path);
      // The next start recovers offline partitions, and it too must know that the machine has stopped.
      if (registry.offline.length === 0) await noteBoot(disk, path, context.report);
      if (rewrite && registry.offline.length === 0) {
        disk.rename(joinPath(path, FLUSH_FAILED), joinPath(path, FLUSH_FAILED_SPARE));
        await disk.syncDirectory(path);
      }
      const { report } = context;
      const last = { isNew: meta === undefined, wasClean: clean !== undefined };
      return new DataDirectory({ disk, path, lock, health, id, ...last, registry, report });
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /**
   * Flushes and closes everything, writes the note of a clean stop, and releases the lock. After a failed flush, that
   * partition is not flushed again and the stop is not clean. If the note can't be written (the disk is full), that is
   * reported and the next start scans.
   */
  async closeCleanly(): Promise<void> {
    try {
      const clean = await this.registry.closeCleanly();
      if (!this.#parts.health.flushFailed) await this.#noteCleanStop(clean);
    } finally {
      this.#parts.lock.release();
    }
  }

  /** Leaves everything as it is, as a crash would, and releases the lock. For disk failures. */
  abandon(): void {
    this.#parts.lock.release();
  }

  async #noteCleanStop(clean: CleanSegments): Promise<void> {
    const { disk, path, report } = this.#parts;
    try {
      await writeCleanNote(disk, path, clean);
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
      const file = joinPath(path, CLEAN);
      report(
        `${file} could not be written: ${reasonOf(error)}; all records are flushed, ` +
          "and the next start scans the last segment of every partition",
      );
    }
  }

  static async #initialise(disk: Disk, path: string, topics: string): Promise<string> {
    disk.makeDirectory(topics);
    // Flush the directory and its parents too: their entries may be new.
    await disk.syncDirectory(path);
    for (let at = path, above = dirname(at); above !== at; at = above, above = dirname(at)) {
      await disk.syncDirectory(above);
    }
    // Write meta.json last: the next start takes it as proof that all of this is done.
    const id = crypto.randomUUID();
    await writeMeta(disk, path, id);
    return id;
  }
}

function makeDirectory(disk: Disk, path: string): void {
  try {
    disk.makeDirectory(path);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code !== "EEXIST" && code !== "ENOTDIR") throw error;
    throw new RustLogError(
      "DATA_DIRECTORY_UNUSABLE",
      `${path} is a file or is below one; choose another --data-dir`,
      { cause: error },
    );
  }
}

/**
 * Creates the spare note, which a failed flush renames: a full disk would have no space for it then. It need not be
 * durable, because a crash of the machine also clears the page cache that it warns about.
 */
function makeSpareNote(disk: Disk, path: string, report: (line: string) => void): void {
  const spare = joinPath(path, FLUSH_FAILED_SPARE);
  try {
    disk.openAppend(spare).close();
  } catch (error) {
    if (!isDiskFull(error) && !isUnusable(error)) throw error;
    const what = isDiskFull(error) ? `no space for ${spare}` : `${spare} can't be used`;
    report(`${what}: a failed flush can't be recorded for the next start (${reasonOf(error)})`);
  }
}

/** Tells the next start that a flush failed. */
function noteFailedFlush(disk: Disk, path: string): void {
  try {
    disk.rename(joinPath(path, FLUSH_FAILED_SPARE), joinPath(path, FLUSH_FAILED));
  } catch {
    // It was noted before, or the disk accepts no writes at all.
  }
}
