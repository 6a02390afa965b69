// Frees the space of large files in the background, in steps. When the last link to a file goes, the kernel drops its pages
// in the calling thread and frees its blocks in one transaction of the file system, for which every flush waits: for 512 MiB,
// a producer was seen to wait for 180 ms. So a descriptor is kept, and the file is truncated in steps before it is closed.
// Leaves to others: renaming and unlinking (real-disk.ts), and whole directories (remove-directory.ts).
//
// A file that anything else still has open is not truncated, because a reader would miss its end, and one that has mapped it
// would be killed: a hard link, or an inspection by another process.
import { dlopen, FFIType } from "bun:ffi";
import { close, closeSync, constants, fstatSync, ftruncate, openSync } from "node:fs";
import { lstat, unlink } from "node:fs/promises";
import { afterUnmapping } from "./mapped-file.js";

/** Smaller files are not worth the calls. */
const HELD_BYTES_MIN = 4 * 1024 * 1024;

/** Files held at once. Beyond that, a file is freed where it is removed. */
const HELD_MAX = 64;

/** Freed in one step: it takes some 5 ms. */
const STEP_BYTES = 16 * 1024 * 1024;

/** Shortest pause between two steps, in milliseconds. A slow disk gets more time. */
const PAUSE_MS = 10;

let held = 0;

/** The release that is under way; files are released one after another. Never rejects. */
let releases = Promise.resolve();

/** Runs an operation that removes the file of this name, if there is one, from its directory. */
export function releasing(path: string, remove: () => void): void {
  const file = openIfLarge(path);
  try {
    remove();
  } finally {
    if (file !== undefined) afterUnmapping(file, () => void release(file.fd, unheardPause));
  }
}

/**
 * Removes a file. Resolves once its space is free, unless it is mapped: then that happens later. Once `isStopped`, the kernel
 * frees the rest at once.
 */
export async function removeReleasing(path: string, isStopped: () => boolean): Promise<void> {
  const { size } = await lstat(path);
  const file = size < HELD_BYTES_MIN ? undefined : openIfLarge(path);
  let freed = Promise.resolve();
  try {
    await unlink(path);
  } finally {
    if (file !== undefined) {
      afterUnmapping(file, () => {
        freed = release(file.fd, Bun.sleep, isStopped);
      });
    }
  }
  await freed;
}

function release(fd: number, pause: Pause, isStopped = () => false): Promise<void> {
  releases = releases.then(async () => {
    try {
      await truncateInSteps(fd, pause, isStopped);
    } catch {
      // The kernel frees it at once.
    }
    await closed(fd);
    held--;
  });
  return releases;
}

async function truncateInSteps(fd: number, pause: Pause, isStopped: () => boolean): Promise<void> {
  const { size, nlink } = fstatSync(fd);
  if (nlink > 0) return;
  for (let left = size - STEP_BYTES; left > 0; left -= STEP_BYTES) {
    if (isStopped() || !isOnlyOpenHere(fd)) return;
    const beganMs = performance.now();
    await truncated(fd, left);
    await pause(Math.max(PAUSE_MS, performance.now() - beganMs));
  }
}

function truncated(fd: number, size: number): Promise<void> {
  return new Promise((resolve, reject) => {
    ftruncate(fd, size, (error) => (error ? reject(error) : resolve()));
  });
}

function closed(fd: number): Promise<void> {
  return new Promise((resolve) => close(fd, () => resolve()));
}

type Pause = (ms: number) => Promise<void>;

/** Does not keep the process alive: the kernel frees the rest when it ends. */
function unheardPause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

interface HeldFile {
  readonly fd: number;
  readonly dev: number;
  readonly ino: number;
}

/** Undefined if the file is small, or not to be held. */
function openIfLarge(path: string): HeldFile | undefined {
  if (held >= HELD_MAX) return undefined;
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch {
    // The file does not exist or is a link, or too many files are open.
    return undefined;
  }
  const stats = fstatSync(fd);
  if (stats.isFile() && stats.size >= HELD_BYTES_MIN) {
    held++;
    return { fd, dev: stats.dev, ino: stats.ino };
  }
  closeSync(fd);
  return undefined;
}

const SET_LEASE = 1024;
const WRITE_LEASE = 1;
const NO_LEASE = 2;

type Fcntl = (fd: number, command: number, argument: number) => number;

let fcntl: Fcntl | undefined;

/**
 * Whether no other descriptor or mapping of any process is on the file of this one. Only Linux can tell: it grants a lease to
 * write (`fcntl(2)`, F_SETLEASE) only then.
 */
function isOnlyOpenHere(fd: number): boolean {
  if (process.platform !== "linux") return false;
  fcntl ??= loadFcntl();
  if (fcntl(fd, SET_LEASE, WRITE_LEASE) !== 0) return false;
  fcntl(fd, SET_LEASE, NO_LEASE);
  return true;
}

function loadFcntl(): Fcntl {
  const types = { args: [FFIType.i32, FFIType.i32, FFIType.i32], returns: FFIType.i32 } as const;
  return dlopen("libc.so.6", { fcntl: types }).symbols.fcntl;
}
