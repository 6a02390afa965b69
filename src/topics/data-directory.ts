// A data directory as a broker holds it: its lock, its identity, the note of a clean stop, its topics.
// Leaves to others: the topics themselves (topic-registry.ts), and who serves them.
//
//   LOCK                  held by flock while a broker runs; the kernel releases it on death
//   meta.json             { "formatVersion": 1, "id": UUID, "crc32c": … }
//   clean-shutdown.json   written last at a stop, removed before the first write after a start; not believed
//                         without a checksum that matches
//   last-boot.json        which boot of the machine a broker last ran under (boot-note.ts)
//   flush-failed          there once a flush has failed: what the page cache has may not be on the disk, and
//                         looks clean; so the next start writes the active segments anew
//   flush-failed.spare    the same note before it is needed: a rename asks for no space and no flush
//   topics/
import { dirname } from "node:path";
import { RustLogError } from "../errors.ts";
import {
  type DirectoryLock,
  type Disk,
  FlushFailure,
  isDiskFull,
  joinPath,
  reasonOf,
  systemErrorCode,
} from "../log/disk/disk.ts";
import { hasRebooted, noteBoot } from "./boot-note.ts";
import { CLEAN, takeCleanNote, writeCleanNote } from "./clean-note.ts";
import { readMeta, upgradeMeta, writeMeta } from "./meta-file.ts";
import type { CleanSegments } from "./topic.ts";
import { type RegistryContext, TopicRegistry } from "./topic-registry.ts";

/** The note that a flush failed. */
export const FLUSH_FAILED = "flush-failed";

/** That note while no flush has failed. */
export const FLUSH_FAILED_SPARE = "flush-failed.spare";

interface Health {
  flushFailed: boolean;
}

export class DataDirectory {
  /** Identity of the directory, made when it was: tells a client that it talks to the same log as before. */
  readonly id: string;
  /** Whether the last broker here stopped cleanly, so that nothing had to be scanned. */
  readonly wasClean: boolean;
  readonly registry: TopicRegistry;
  readonly #disk: Disk;
  readonly #path: string;
  readonly #lock: DirectoryLock;
  readonly #health: Health;
  readonly #report: (line: string) => void;

  private constructor(
    disk: Disk,
    path: string,
    lock: DirectoryLock,
    health: Health,
    id: string,
    wasClean: boolean,
    registry: TopicRegistry,
    report: (line: string) => void,
  ) {
    this.#report = report;
    this.#disk = disk;
    this.#path = path;
    this.#lock = lock;
    this.#health = health;
    this.id = id;
    this.wasClean = wasClean;
    this.registry = registry;
  }

  /**
   * Takes the lock, creates what is missing, and recovers all topics. Throws DATA_DIRECTORY_UNUSABLE when another
   * process holds the directory, or when its format is not ours.
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
      // Also without one: the last process may have been killed before it could flush what it had renamed.
      await disk.syncDirectory(path);
      const health: Health = { flushFailed: false };
      const onFatal = (error: Error): void => {
        health.flushFailed = true;
        // At once: the process may be killed before it gets to close the directory.
        noteFailedFlush(disk, path);
        context.onFatal(error);
      };
      const rewrite = disk.fileSize(joinPath(path, FLUSH_FAILED)) !== undefined;
      if (!rewrite) makeSpareNote(disk, path, context.report);
      const registry = await TopicRegistry.open(
        { ...context, onFatal, directory: topics, directoryId: id },
        { clean: clean ?? new Map(), rewrite, rebooted: hasRebooted(disk, path) },
      ).catch((error: unknown) => {
        // The next start must not take for durable what only the cache has.
        if (error instanceof FlushFailure) noteFailedFlush(disk, path);
        throw error;
      });
      if (registry.offline.some((it) => it.hasFailedFlush)) noteFailedFlush(disk, path);
      // The next start recovers what is offline, and must know, too, that the machine has stopped.
      if (registry.offline.length === 0) await noteBoot(disk, path, context.report);
      if (rewrite && registry.offline.length === 0) {
        disk.rename(joinPath(path, FLUSH_FAILED), joinPath(path, FLUSH_FAILED_SPARE));
        await disk.syncDirectory(path);
      }
      const wasClean = clean !== undefined;
      return new DataDirectory(disk, path, lock, health, id, wasClean, registry, context.report);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /**
   * Flushes and closes everything, notes that the stop was clean, and releases the lock. After a failed flush,
   * which was noted then, it flushes nothing of the partition that it happened to, and no stop is clean. When the note
   * cannot be written (the disk is full), that is reported, and the next start scans.
   */
  async closeCleanly(): Promise<void> {
    try {
      const clean = await this.registry.closeCleanly();
      if (!this.#health.flushFailed) await this.#noteCleanStop(clean);
    } finally {
      this.#lock.release();
    }
  }

  /** Leaves everything as it is, as a crash would, and releases the lock: after a failure of the disk. */
  abandon(): void {
    this.#lock.release();
  }

  async #noteCleanStop(clean: CleanSegments): Promise<void> {
    try {
      await writeCleanNote(this.#disk, this.#path, clean);
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
      const file = joinPath(this.#path, CLEAN);
      this.#report(
        `${file} could not be written: ${reasonOf(error)}; all records are flushed, ` +
          "and the next start scans the last segment of every partition",
      );
    }
  }

  static async #initialise(disk: Disk, path: string, topics: string): Promise<string> {
    disk.makeDirectory(topics);
    // The directory itself, and those above it that may be as new, are entries that can get lost as well.
    await disk.syncDirectory(path);
    for (let at = path, above = dirname(at); above !== at; at = above, above = dirname(at)) {
      await disk.syncDirectory(above);
    }
    // Last, because the next start takes it for a sign that all of this was done.
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
      `${path} is a file, or below one: choose another --data-dir`,
      { cause: error },
    );
  }
}

/**
 * Makes the note that a failed flush will need; a disk that is full when a broker starts has no room for it.
 * It need not be durable: after a crash of the machine the page cache, which it warns of, is gone as well.
 */
function makeSpareNote(disk: Disk, path: string, report: (line: string) => void): void {
  const spare = joinPath(path, FLUSH_FAILED_SPARE);
  try {
    disk.openAppend(spare).close();
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    report(`no space for ${spare}: a flush that fails could not be noted for the next start`);
  }
}

/** Lets the next start know that a flush failed. */
function noteFailedFlush(disk: Disk, path: string): void {
  try {
    disk.rename(joinPath(path, FLUSH_FAILED_SPARE), joinPath(path, FLUSH_FAILED));
  } catch {
    // It was noted before, or the disk takes nothing at all any more.
  }
}
