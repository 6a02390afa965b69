// A disk in memory that distinguishes the page cache from durable bytes, and can fail like a real one: a crash at any
// operation; unflushed writes dropped, torn or reordered; directory entries lost independently of contents; no space; a
// failed flush; flipped bits.
// Leaves to others: the workload and what must hold after it (simulation.ts, test/log).
import type { AppendFile, DirectoryLock, Disk } from "../../src/log/disk/disk.js";
import type { Random } from "./random.js";

/** Thrown by every operation after the crash, because the process would no longer run. */
export class SimulatedCrash extends Error {
  override readonly name = "SimulatedCrash";
}

/** An error like those of the system. */
export function systemError(code: string, operation: string): Error & { code: string } {
  return Object.assign(new Error(`${code}: simulated, ${operation}`), { code });
}

/** Deliberate faults, to verify that the checks find them. */
export interface Sabotage {
  /** fdatasync reports success and does nothing, for all files or for those whose path ends so. */
  readonly ignoreSync?: boolean | string;
  /** Flushing a directory reports success and does nothing, always or with these names in it. */
  readonly ignoreDirectorySync?: boolean | ((names: readonly string[]) => boolean);
  /** fdatasync reports success before it is done, so that the high watermark moves too early. */
  readonly earlySync?: boolean;
}

type PendingWrite =
  | { readonly kind: "write"; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: "truncate"; readonly size: number };

interface Inode {
  /** Content as readers see it. */
  content: Uint8Array;
  /** Content that certainly survives a crash. */
  durable: Uint8Array;
  /** Changes since then, in order. */
  pending: PendingWrite[];
  /** Number of changes in `durable`: concurrent flushes may end in any order. */
  flushed: number;
  modifiedMs: number;
}

type PendingEntry =
  | { readonly kind: "link"; readonly name: string; readonly node: Inode | Directory }
  | { readonly kind: "unlink"; readonly name: string }
  | {
      readonly kind: "rename";
      readonly from: string;
      readonly to: string;
      readonly node: Inode | Directory;
    };

class Directory {
  entries = new Map<string, Inode | Directory>();
  durable = new Map<string, Inode | Directory>();
  pending: PendingEntry[] = [];
  flushed = 0;
}

const SECTOR_BYTES = 64;

/** The disk of a machine. `random` decides what survives a crash, and how long an asynchronous flush takes. */
export class SimulatedDisk implements Disk {
  readonly #random: Random;
  readonly #sabotage: Sabotage;
  #root = new Directory();
  #operations = 0;
  #crashAt = Number.POSITIVE_INFINITY;
  #epoch = 0;
  #boots = 0;
  #capacity = Number.POSITIVE_INFINITY;
  #syncFailures = 0;
  #syncFailureCode = "EIO";
  #directorySyncFailures = 0;
  #truncateFailures = 0;
  #lockedBy: object | undefined;
  /** Whether a flush of a file has failed since the last restart. */
  syncFailed = false;
  /** The clock by which files are written. */
  nowMs = 0;
  /** Probability that the system refuses a mapping. */
  refusedMappings = 0;
  /** Probability that a push is slow, and the kernel takes it in two parts. */
  slowPushes = 0;

  constructor(random: Random, sabotage: Sabotage = {}) {
    this.#random = random;
    this.#sabotage = sabotage;
  }

  /** Number of operations so far: what `crashAfter` counts. */
  get operations(): number {
    return this.#operations;
  }

  /** Whether the machine is down. */
  get crashed(): boolean {
    return this.#operations >= this.#crashAt;
  }

  /** Sum of the lengths of all files. */
  get usedBytes(): number {
    let sum = 0;
    const visit = (directory: Directory): void => {
      for (const node of directory.entries.values()) {
        if (node instanceof Directory) visit(node);
        else sum += node.content.length;
      }
    };
    visit(this.#root);
    return sum;
  }

  /** Whether a file exists, also while the machine is down. */
  has(path: string): boolean {
    return this.#file(path) !== undefined;
  }

  /** Crashes the machine at the operation that comes `operations` from now; 0 is the next one. */
  crashAfter(operations: number): void {
    this.#crashAt = this.#operations + operations;
  }

  /** Bounds the sum of all files' lengths. */
  setCapacity(bytes: number): void {
    this.#capacity = bytes;
  }

  /** Makes the next `count` flushes of files fail. The bytes they covered are then neither dirty nor durable. */
  failSyncs(count: number, code = "EIO"): void {
    this.#syncFailures = count;
    this.#syncFailureCode = code;
  }

  /** Makes the next `count` flushes of directories fail; what they would have made durable is still pending. */
  failDirectorySyncs(count: number): void {
    this.#directorySyncFailures = count;
  }

  /** Makes the next `count` truncations of files fail. */
  failTruncates(count: number): void {
    this.#truncateFailures = count;
  }

  /** Flips one bit of a file at rest. */
  flipBit(path: string, bit: number): void {
    const node = this.#file(path);
    if (node === undefined) throw new Error(`no file ${path}`);
    const flip = (bytes: Uint8Array): Uint8Array => {
      const copy = bytes.slice();
      copy[bit >>> 3] = copy[bit >>> 3]! ^ (1 << (bit & 7));
      return copy;
    };
    const isFlushed = node.durable === node.content;
    node.content = flip(node.content);
    node.durable = isFlushed ? node.content : flip(node.durable);
  }

  /** Replaces the content of a file at rest; undefined removes the file. */
  overwrite(path: string, bytes: Uint8Array | undefined): void {
    const { parent, name } = this.#parentOf(path);
    if (bytes === undefined) {
      parent?.entries.delete(name);
      parent?.durable.delete(name);
      return;
    }
    const node: Inode = {
      content: bytes,
      durable: bytes,
      pending: [],
      flushed: 0,
      modifiedMs: this.nowMs,
    };
    parent?.entries.set(name, node);
    parent?.durable.set(name, node);
  }

  /** Restarts the machine: durable bytes are there, and a random part of the rest. */
  restart(): void {
    this.#epoch++;
    this.#boots++;
    this.syncFailed = false;
    this.#crashAt = Number.POSITIVE_INFINITY;
    this.#syncFailures = 0;
    this.#truncateFailures = 0;
    this.#lockedBy = undefined;
    this.#settleDirectory(this.#root);
  }

  /** Kills and restarts the process. The kernel keeps everything it was given. */
  restartProcess(): void {
    this.#epoch++;
    this.syncFailed = false;
    this.#crashAt = Number.POSITIVE_INFINITY;
    this.#lockedBy = undefined;
  }

  openAppend(path: string): AppendFile {
    this.#step();
    const { parent, name } = this.#parentOf(path);
    if (parent === undefined) throw systemError("ENOENT", `open ${path}`);
    let node = parent.entries.get(name);
    if (node === undefined) {
      if (this.#room() === 0) throw systemError("ENOSPC", `open ${path}`);
      const empty = new Uint8Array(0);
      node = { content: empty, durable: empty, pending: [], flushed: 0, modifiedMs: this.nowMs };
      link(parent, name, node);
    }
    if (node instanceof Directory) throw systemError("EISDIR", `open ${path}`);
    return this.#appendFile(path, node);
  }

  createAppend(path: string): AppendFile {
    const { parent, name } = this.#parentOf(path);
    if (parent?.entries.has(name)) throw systemError("EEXIST", `open ${path}`);
    return this.openAppend(path);
  }

  map(path: string): Uint8Array {
    this.#step();
    const node = this.#file(path);
    if (node === undefined) throw systemError("ENOENT", `mmap ${path}`);
    if (node.content.length === 0) throw systemError("EINVAL", `mmap ${path}`);
    if (this.#random.chance(this.refusedMappings)) throw systemError("ENOMEM", `mmap ${path}`);
    return node.content.slice();
  }

  readAt(path: string, into: Uint8Array, position: number): number {
    this.#step();
    const node = this.#file(path);
    if (node === undefined) throw systemError("ENOENT", `open ${path}`);
    const part = node.content.subarray(position, position + into.length);
    into.set(part);
    return part.length;
  }

  readFile(path: string): Uint8Array | undefined {
    this.#step();
    return this.#file(path)?.content.slice();
  }

  async writeFile(path: string, bytes: Uint8Array): Promise<void> {
    const file = this.openAppend(path);
    file.truncate(0);
    file.write(bytes);
    await file.push();
    await file.sync();
  }

  list(directory: string): string[] {
    this.#step();
    const found = this.#directory(directory);
    return found === undefined ? [] : [...found.entries.keys()].sort();
  }

  fileSize(path: string): number | undefined {
    this.#step();
    return this.#file(path)?.content.length;
  }

  modifiedMs(path: string): number | undefined {
    this.#step();
    return this.#file(path)?.modifiedMs;
  }

  makeDirectory(path: string): void {
    this.#step();
    let at = this.#root;
    for (const name of namesOf(path)) {
      let next = at.entries.get(name);
      if (next === undefined) {
        next = new Directory();
        link(at, name, next);
      }
      if (!(next instanceof Directory)) throw systemError("ENOTDIR", `mkdir ${path}`);
      at = next;
    }
  }

  rename(from: string, to: string): void {
    this.#step();
    const source = this.#parentOf(from);
    const target = this.#parentOf(to);
    const node = source.parent?.entries.get(source.name);
    if (source.parent === undefined || target.parent !== source.parent || node === undefined) {
      throw systemError("ENOENT", `rename ${from}`);
    }
    const replaced = source.parent.entries.get(target.name);
    if (replaced instanceof Directory && replaced.entries.size > 0) {
      throw systemError("ENOTEMPTY", `rename ${from}`);
    }
    source.parent.entries.delete(source.name);
    source.parent.entries.set(target.name, node);
    source.parent.pending.push({ kind: "rename", from: source.name, to: target.name, node });
  }

  remove(path: string): void {
    this.#step();
    const { parent, name } = this.#parentOf(path);
    if (parent?.entries.delete(name)) parent.pending.push({ kind: "unlink", name });
  }

  async removeDirectory(path: string): Promise<void> {
    this.#removeTree(path);
  }

  #removeTree(path: string): void {
    this.#step();
    const { parent, name } = this.#parentOf(path);
    const node = parent?.entries.get(name);
    if (!(node instanceof Directory)) return;
    for (const [child, below] of [...node.entries]) {
      if (below instanceof Directory) this.#removeTree(`${path}/${child}`);
      else this.remove(`${path}/${child}`);
    }
    parent?.entries.delete(name);
    parent?.pending.push({ kind: "unlink", name });
  }

  async syncDirectory(path: string): Promise<void> {
    this.#step();
    const directory = this.#directory(path);
    if (directory === undefined) throw systemError("ENOENT", `fsync ${path}`);
    if (this.#directorySyncFailures > 0) {
      this.#directorySyncFailures--;
      throw systemError("EIO", `fsync ${path}`);
    }
    const covered = directory.flushed + directory.pending.length;
    const snapshot = new Map(directory.entries);
    const { ignoreDirectorySync: ignore = false } = this.#sabotage;
    const isIgnored = typeof ignore === "boolean" ? ignore : ignore([...snapshot.keys()]);
    await this.#delay();
    if (isIgnored || covered <= directory.flushed) return;
    directory.durable = snapshot;
    directory.pending = directory.pending.slice(covered - directory.flushed);
    directory.flushed = covered;
  }

  bootId(): string | undefined {
    return `boot ${this.#boots}`;
  }

  lock(path: string): DirectoryLock {
    this.#step();
    if (this.#lockedBy !== undefined) throw new Error(`${path} is held`);
    const holder = {};
    this.#lockedBy = holder;
    return {
      release: () => {
        if (this.#lockedBy === holder) this.#lockedBy = undefined;
      },
    };
  }

  lockToRead(path: string): DirectoryLock {
    this.#step();
    if (this.#lockedBy !== undefined) throw new Error(`${path} is held`);
    return { release: () => {} };
  }

  /** Bytes that still fit. Without a capacity no file needs to be visited. */
  #room(): number {
    const isEndless = this.#capacity === Number.POSITIVE_INFINITY;
    return isEndless ? this.#capacity : Math.max(0, this.#capacity - this.usedBytes);
  }

  /** Counts an operation; throws if the machine is down. */
  #step(): void {
    if (this.#operations >= this.#crashAt) throw new SimulatedCrash("the machine is down");
    this.#operations++;
  }

  /** Lets other work run for a while, like a flush in the background. */
  async #delay(): Promise<void> {
    const epoch = this.#epoch;
    for (let turns = this.#random.below(6); turns >= 0; turns--) await Promise.resolve();
    if (this.crashed || epoch !== this.#epoch) throw new SimulatedCrash("the machine is down");
  }

  #appendFile(path: string, node: Inode): AppendFile {
    const disk = this;
    const epoch = this.#epoch;
    const buffered: Uint8Array[] = [];
    const { ignoreSync: ignore = false } = this.#sabotage;
    const isIgnored = typeof ignore === "boolean" ? ignore : path.endsWith(ignore);
    let closed = false;
    const check = (): void => {
      disk.#step();
      if (epoch !== disk.#epoch) throw new SimulatedCrash("opened before the crash");
      if (closed) throw systemError("EBADF", path);
    };
    const take = (bytes: Uint8Array): void => {
      // A crash or a full disk may come between any two bytes of a write.
      const taken = Math.min(bytes.length, disk.#room());
      append(node, bytes.subarray(0, taken));
      node.modifiedMs = disk.nowMs;
      if (taken < bytes.length) throw systemError("ENOSPC", `write ${path}`);
    };
    return {
      path,
      get size() {
        return node.content.length;
      },
      write(bytes) {
        buffered.push(bytes);
      },
      push() {
        check();
        const parts = buffered.splice(0);
        if (!disk.#random.chance(disk.slowPushes)) {
          for (const bytes of parts) take(bytes);
          return;
        }
        return (async () => {
          for (const bytes of parts) {
            const middle = disk.#random.below(bytes.length + 1);
            take(bytes.subarray(0, middle));
            await disk.#delay();
            take(bytes.subarray(middle));
          }
        })();
      },
      async sync() {
        check();
        const covered = node.flushed + node.pending.length;
        const snapshot = node.content;
        const finish = (): void => {
          if (isIgnored || covered <= node.flushed) return;
          node.durable = snapshot;
          node.pending = node.pending.slice(covered - node.flushed);
          node.flushed = covered;
        };
        if (disk.#syncFailures > 0) {
          disk.#syncFailures--;
          disk.syncFailed = true;
          // The kernel marks the pages clean: their bytes stay in memory only.
          node.pending = [];
          node.flushed = covered;
          await disk.#delay();
          throw systemError(disk.#syncFailureCode, `fdatasync ${path}`);
        }
        if (disk.#sabotage.earlySync) {
          disk.#delay().then(finish, () => {});
          return;
        }
        await disk.#delay();
        finish();
      },
      truncate(size) {
        check();
        if (disk.#truncateFailures > 0) {
          disk.#truncateFailures--;
          throw systemError("EIO", `ftruncate ${path}`);
        }
        buffered.length = 0;
        const cut = new Uint8Array(size);
        cut.set(node.content.subarray(0, size));
        node.content = cut;
        node.pending.push({ kind: "truncate", size });
      },
      read(into, position) {
        check();
        const part = node.content.subarray(position, position + into.length);
        into.set(part);
        return part.length;
      },
      close() {
        closed = true;
      },
    };
  }

  #settleDirectory(directory: Directory): void {
    const entries = new Map(directory.durable);
    for (const change of directory.pending) {
      // Each change may have reached the disk, independently of the others.
      if (this.#random.chance(0.5)) continue;
      if (change.kind === "link") entries.set(change.name, change.node);
      else if (change.kind === "unlink") entries.delete(change.name);
      else {
        if (entries.get(change.from) === change.node) entries.delete(change.from);
        entries.set(change.to, change.node);
      }
    }
    directory.entries = entries;
    directory.durable = new Map(entries);
    directory.pending = [];
    for (const node of entries.values()) {
      if (node instanceof Directory) this.#settleDirectory(node);
      else this.#settleFile(node);
    }
  }

  #settleFile(node: Inode): void {
    let content = node.durable;
    for (const change of node.pending) {
      if (this.#random.chance(0.3)) continue;
      if (change.kind === "truncate") {
        content = resized(content, change.size);
        continue;
      }
      const { at, bytes } = change;
      // The length of an append may be there without its content, or with only some of its sectors.
      const torn = this.#random.chance(0.5);
      const kept = torn ? this.#random.below(bytes.length + 1) : bytes.length;
      content = resized(content, Math.max(content.length, at + kept));
      const holes = this.#random.chance(0.3);
      for (let from = 0; from < kept; from += SECTOR_BYTES) {
        if (holes && this.#random.chance(0.3)) continue;
        content.set(bytes.subarray(from, Math.min(kept, from + SECTOR_BYTES)), at + from);
      }
    }
    node.content = content;
    node.durable = content;
    node.pending = [];
  }

  #directory(path: string): Directory | undefined {
    let at: Inode | Directory | undefined = this.#root;
    for (const name of namesOf(path)) {
      if (!(at instanceof Directory)) return undefined;
      at = at.entries.get(name);
    }
    return at instanceof Directory ? at : undefined;
  }

  #parentOf(path: string): { parent: Directory | undefined; name: string } {
    const end = path.lastIndexOf("/");
    return { parent: this.#directory(path.slice(0, Math.max(0, end))), name: path.slice(end + 1) };
  }

  #file(path: string): Inode | undefined {
    const { parent, name } = this.#parentOf(path);
    const node = parent?.entries.get(name);
    return node instanceof Directory ? undefined : node;
  }
}

/** The names in paths of directories, which are looked up again and again. */
const splitPaths = new Map<string, readonly string[]>();
const SPLIT_PATHS_MAX = 1_000;

function namesOf(path: string): readonly string[] {
  const known = splitPaths.get(path);
  if (known !== undefined) return known;
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  if (splitPaths.size >= SPLIT_PATHS_MAX) splitPaths.clear();
  splitPaths.set(path, names);
  return names;
}

function link(parent: Directory, name: string, node: Inode | Directory): void {
  parent.entries.set(name, node);
  parent.pending.push({ kind: "link", name, node });
}

function append(node: Inode, bytes: Uint8Array): void {
  const at = node.content.length;
  const content = resized(node.content, at + bytes.length);
  content.set(bytes, at);
  node.content = content;
  node.pending.push({ kind: "write", at, bytes: bytes.slice() });
}

function resized(bytes: Uint8Array, size: number): Uint8Array {
  const copy = new Uint8Array(size);
  copy.set(bytes.subarray(0, size));
  return copy;
}
