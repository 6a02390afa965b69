// The thread of compaction: runs the jobs that it is sent, one at a time, at low priority and with rests.
// Leaves to others: starting and ending it (compaction-thread.ts), and the work (compact-segments.ts).
import { setPriority } from "node:os";
import { RustLogError } from "../../errors.js";
import { reasonOf } from "../disk/disk.js";
import { RealDisk } from "../disk/real-disk.js";
import { CompactionPace } from "./compaction-pace.js";
import { compactSegments } from "./compact-segments.js";
import { type ThreadAnswer, type ThreadJob, ThreadSignals } from "./thread-messages.js";

/** Clients come first. On Linux this is the priority of a thread; elsewhere it would be that of the broker. */
const NICE = 19;

/** Flushes run in this thread, which has nothing else to do, and not in those that flush what producers wait for. */
const IN_PLACE = { allow: () => true, run: (flush: () => void) => flush() };

let signals = new ThreadSignals();
const pace = new CompactionPace((ms) => signals.wait(ms));

function answer(message: ThreadAnswer): void {
  postMessage(message);
}

async function run({ job, signals: memory }: ThreadJob): Promise<void> {
  signals = new ThreadSignals(memory);
  try {
    const result = await compactSegments(new RealDisk(IN_PLACE), job, {
      isStopped: () => signals.isStopped,
      pause: (bytesRead) => {
        signals.bytesRead = bytesRead;
        pace.keep(signals.load);
        return undefined;
      },
    });
    answer({ kind: "done", result });
  } catch (error) {
    const wire = error instanceof RustLogError ? error.wire : undefined;
    answer({ kind: "failed", message: reasonOf(error), wire });
  }
  // The map of keys would stay until the next run has allocated another.
  Bun.gc(true);
}

if (process.platform === "linux") {
  try {
    setPriority(0, NICE);
  } catch {
    // Not allowed here. It runs at the broker's priority.
  }
}
addEventListener("message", ({ data }: MessageEvent<ThreadJob>) => void run(data));
answer({ kind: "ready" });
