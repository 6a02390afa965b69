// Something that is wrong, which somebody has to know of. Leaves to others: finding it (problems.ts, partition-problems.ts).
import type { StuckGroup } from "./stuck-groups.js";

/** `error`: clients are refused now. `warning`: somebody has to do something. `note`: worth knowing. */
export type Severity = "error" | "warning" | "note";

/** Partitions with the same problem; the first one, and how many there are. */
interface InPartitions {
  readonly topic: string;
  readonly partition: number;
  readonly partitions: number;
  readonly reason: string;
}

type ProblemFacts =
  | { readonly kind: "disk"; readonly totalBytes: number; readonly usableBytes: number }
  /** Batches were refused because the disk is full. */
  | ({ readonly kind: "full" } & InPartitions)
  /** There are as many connections as there may be. */
  | { readonly kind: "connections"; readonly count: number }
  | { readonly kind: "certificate"; readonly endsMs: number }
  /** The files of the certificate were replaced by ones that can't be used. */
  | { readonly kind: "certificate-files"; readonly reason: string }
  /** `refused`: the last batches were not written. The others are as in topics/faults.ts. */
  | ({
      readonly kind: "refused" | "offline" | "compaction" | "uncompacted" | "retention";
    } & InPartitions)
  | ({ readonly kind: "damage"; readonly offset: number; readonly places: number } & InPartitions)
  | ({
      readonly kind: "truncated" | "untruncated";
      readonly bytes: number;
      readonly offset: number;
      readonly file: string | null;
    } & InPartitions)
  /** A file beside the log has what an earlier start truncated. */
  | ({ readonly kind: "kept"; readonly file: string } & Omit<InPartitions, "reason">)
  | ({ readonly kind: "group" } & StuckGroup)
  /** The broker before this one was not stopped cleanly. */
  | { readonly kind: "unclean" }
  /** Connections wait because their clients have used more than their quotas. */
  | { readonly kind: "throttled"; readonly count: number };

export type Problem = ProblemFacts & {
  readonly severity: Severity;
  /** Since when it is known, in milliseconds since the epoch; null if that is unknown. */
  readonly sinceMs: number | null;
};

/** The topic or group that a problem is about; "" for the broker. */
export function nameOf(problem: Problem): string {
  return "topic" in problem ? problem.topic : "group" in problem ? problem.group : "";
}
