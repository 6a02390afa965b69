// A data directory as a broker holds it: its lock, its identity, the note of a clean stop, its topics.
// Leaves to others: the topics themselves (topic-registry.ts), and who serves them.
//
//   LOCK                  held by flock while a broker runs; the kernel releases it on death
//   meta.json             { "formatVersion": 1, "id": UUID }
//   clean-shutdown.json   written last at a stop, removed before the first write after a start
//   flush-failed          there once a flush has failed: what the page cache has may not be on the disk, and
//                         looks clean; so the next start writes the active segments anew
//   flush-failed.spare    the same note before it is needed: a rename asks for no space and no flush
//   topics/
import { dirname } from "node:path";
import { RustLogError } from "../errors.ts";
import {
  type DirectoryLock,
  type Disk,
  isDiskFull,
  joinPath,
  replaceFile,
  systemErrorCode,
} from "../storage/disk.ts";
import type { CleanSegment } from "../storage/recovery.ts";
import type { CleanSegments } from "./topic.ts";
import { type RegistryContext, TopicRegistry } from "./topic-registry.ts";

/** Version of all formats on disk. A directory with another one is refused. */
export const FORMAT_VERSION = 1;

/** The file of the directory's identity. */
export const META = "meta.json";

/** The note of a clean stop. */
export const CLEAN = "clean-shutdown.json";

/** The note that a flush failed. */
export const FLUSH_FAILED = "flush-failed";

/** That note while no flush has failed. */
export const FLUSH_FAILED_SPARE = "flush-failed.spare";

interface Health {
  /** Whether a flush has failed. */
  flushFailed: boolean;
}

/** An open data directory. */
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

  private constructor(
    disk: Disk,
    path: string,
    lock: DirectoryLock,
    health: Health,
    id: string,
    wasClean: boolean,
    registry: TopicRegistry,
  ) {
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
    context: Omit<RegistryContext, "directory">,
  ): Promise<DataDirectory> {
    const { disk } = context;
    makeDirectory(disk, path);
    const lock = disk.lock(joinPath(path, "LOCK"));
    try {
      const topics = joinPath(path, "topics");
      const id = readMeta(disk, path) ?? (await DataDirectory.#initialise(disk, path, topics));
      const clean = readCleanNote(disk, path);
      // Gone, durably, before the first write: else it could vouch for a log that has grown since.
      if (clean !== undefined) disk.remove(joinPath(path, CLEAN));
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
        { ...context, onFatal, directory: topics },
        { clean: clean ?? new Map<string, CleanSegment>(), rewrite },
      ).catch((error: unknown) => {
        // It may have been a flush: the next start must not take for durable what only the cache has.
        if (!(error instanceof RustLogError)) noteFailedFlush(disk, path);
        throw error;
      });
      if (rewrite) {
        disk.rename(joinPath(path, FLUSH_FAILED), joinPath(path, FLUSH_FAILED_SPARE));
        await disk.syncDirectory(path);
      }
      return new DataDirectory(disk, path, lock, health, id, clean !== undefined, registry);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /**
   * Flushes and closes everything, notes that the stop was clean, and releases the lock. After a failed flush,
   * which was noted then, it flushes nothing of the partition that it happened to, and no stop is clean.
   */
  async closeCleanly(): Promise<void> {
    try {
      const clean = await this.registry.closeCleanly();
      if (!this.#health.flushFailed) await noteCleanStop(this.#disk, this.#path, clean);
    } finally {
      this.#lock.release();
    }
  }

  /** Leaves everything as it is, as a crash would, and releases the lock: after a failure of the disk. */
  abandon(): void {
    this.#lock.release();
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
    const text = `${JSON.stringify({ formatVersion: FORMAT_VERSION, id }, null, 2)}\n`;
    await replaceFile(disk, path, META, encodeText(text));
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

async function noteCleanStop(disk: Disk, path: string, clean: CleanSegments): Promise<void> {
  const content = { version: 1, partitions: Object.fromEntries(clean) };
  await replaceFile(disk, path, CLEAN, encodeText(`${JSON.stringify(content)}\n`));
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

/**
 * The identity of a directory; undefined for one that is new. Throws DATA_DIRECTORY_UNUSABLE when it has topics but
 * no identity or another format, or an identity and no topics: their directory is older than `meta.json`.
 */
export function readMeta(disk: Disk, path: string): string | undefined {
  if (disk.fileSize(joinPath(path, "topics")) !== undefined) {
    throw new RustLogError(
      "DATA_DIRECTORY_UNUSABLE",
      `${path}/topics is a file, and must be the directory of the topics: restore it, or choose another --data-dir`,
    );
  }
  const bytes = disk.readFile(joinPath(path, META));
  if (bytes === undefined) {
    if (disk.list(joinPath(path, "topics")).length === 0) return undefined;
    throw new RustLogError(
      "DATA_DIRECTORY_UNUSABLE",
      `${path} has topics but no ${META}: restore it, or choose another --data-dir`,
    );
  }
  const meta = parseObject(bytes);
  if (meta?.formatVersion !== FORMAT_VERSION || typeof meta.id !== "string") {
    throw new RustLogError(
      "DATA_DIRECTORY_UNUSABLE",
      `${joinPath(path, META)} is not of format version ${FORMAT_VERSION}: this release can't read the directory`,
    );
  }
  if (!disk.list(path).includes("topics")) {
    throw new RustLogError(
      "DATA_DIRECTORY_UNUSABLE",
      `${path} has a ${META} but no topics directory: restore it, or remove ${META} to begin without any records`,
    );
  }
  return meta.id;
}

/** The note of a clean stop; undefined when there is none, or it is not one that this release writes. */
export function readCleanNote(disk: Disk, path: string): CleanSegments | undefined {
  const bytes = disk.readFile(joinPath(path, CLEAN));
  const note = bytes === undefined ? undefined : parseObject(bytes);
  if (note?.version !== 1) return undefined;
  const clean = new Map<string, CleanSegment>();
  for (const [name, value] of Object.entries(note.partitions ?? {})) {
    // Whatever stands there: a field that is no number fits no file, and the segment is scanned.
    const segment = Object(value) as Record<keyof CleanSegment, unknown>;
    clean.set(name, {
      baseOffset: Number(segment.baseOffset),
      bytes: Number(segment.bytes),
      nextOffset: Number(segment.nextOffset),
      indexCrc: Number(segment.indexCrc),
      timeIndexCrc: Number(segment.timeIndexCrc),
    });
  }
  return clean;
}

function encodeText(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function parseObject(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof parsed === "object" && parsed !== null
      ? (parsed as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
