// One run of a verification: what all checks share. They tell it what they find and how far they are.
// Leaves to others: the checks (verify-*.ts), and the order in which they are made (verify.ts).
import { type Disk, joinPath, reasonOf } from "../log/disk/disk.ts";
import type { Finding, Place, Repair, SettledFinding } from "./finding.ts";

export interface VerificationOptions {
  readonly disk: Disk;
  /** The data directory. */
  readonly directory: string;
  /** Whether what can be put right is put right. */
  readonly isRepairing: boolean;
  /** Takes each finding, once it was dealt with. */
  onFinding?(finding: SettledFinding): void;
  /** Told how many of how many bytes of log were checked, and which file is being read. */
  onProgress?(doneBytes: number, totalBytes: number, file: string): void;
}

export interface VerificationCounts {
  topics: number;
  partitions: number;
  segments: number;
  batches: number;
  records: number;
  /** Bytes of log. */
  bytes: number;
}

export class Verification {
  readonly disk: Disk;
  readonly directory: string;
  readonly isRepairing: boolean;
  readonly counts: VerificationCounts = {
    topics: 0,
    partitions: 0,
    segments: 0,
    batches: 0,
    records: 0,
    bytes: 0,
  };
  readonly findings: SettledFinding[] = [];
  /** Identity of the data directory; empty if it can't be read. */
  directoryId = "";
  /** Bytes of log that there are to check. */
  totalBytes = 0;
  readonly #options: VerificationOptions;
  #pending: Finding[] = [];

  constructor(options: VerificationOptions) {
    this.#options = options;
    this.disk = options.disk;
    this.directory = options.directory;
    this.isRepairing = options.isRepairing;
  }

  /** The path of a file of the data directory. */
  path(file: string): string {
    return joinPath(this.directory, file);
  }

  /** Notes that something is wrong. */
  damage(place: Place, reason: string, repair?: Repair): void {
    this.#pending.push({ severity: "damage", ...place, reason, ...withRepair(repair) });
  }

  /** Notes something that is worth knowing, and costs nothing. */
  note(place: Place, reason: string, repair?: Repair): void {
    this.#pending.push({ severity: "note", ...place, reason, ...withRepair(repair) });
  }

  /** Notes how many more bytes of log were checked. */
  advance(bytes: number, file: string): void {
    this.counts.bytes += bytes;
    this.#options.onProgress?.(this.counts.bytes, this.totalBytes, file);
  }

  /** Deals with what was found since the last call, in that order: repairs it if it may, and hands it on. */
  async settle(): Promise<void> {
    const pending = this.#pending;
    this.#pending = [];
    for (const finding of pending) {
      const settled = { ...finding, ...(await this.#repair(finding.repair)) };
      this.findings.push(settled);
      this.#options.onFinding?.(settled);
    }
  }

  async #repair(
    repair: Repair | undefined,
  ): Promise<Pick<SettledFinding, "repaired" | "repairFailure">> {
    if (!this.isRepairing || repair === undefined) return {};
    try {
      return { repaired: await repair.run() };
    } catch (error) {
      return { repairFailure: reasonOf(error) };
    }
  }
}

function withRepair(repair: Repair | undefined): { repair?: Repair } {
  return repair === undefined ? {} : { repair };
}
