// The state shared by all checks of one verification: findings and progress.
// Leaves to others: the checks (verify-*.ts), and their order (verify.ts).
import { type Disk, isUnusable, joinPath, reasonOf } from "../log/disk/disk.js";
import type { Finding, Place, Repair, SettledFinding } from "./finding.js";

export interface VerificationOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly isRepairing: boolean;
  /** Called with each finding after an attempted repair. */
  onFinding?(finding: SettledFinding): void;
  /** Called with the bytes of log checked so far, the total, and the file being read. */
  onProgress?(doneBytes: number, totalBytes: number, file: string): void;
}

export interface VerificationCounts {
  topics: number;
  partitions: number;
  segments: number;
  batches: number;
  records: number;
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
  /** The id of the data directory; empty if it can't be read. */
  directoryId = "";
  totalBytes = 0;
  readonly #options: VerificationOptions;
  #pending: Finding[] = [];

  constructor(options: VerificationOptions) {
    this.#options = options;
    this.disk = options.disk;
    this.directory = options.directory;
    this.isRepairing = options.isRepairing;
  }

  path(file: string): string {
    return joinPath(this.directory, file);
  }

  /** Names in a directory; none if it can't be read, which its own check reports. */
  list(directory: string): string[] {
    try {
      return this.disk.list(this.path(directory));
    } catch (error) {
      if (isUnusable(error)) return [];
      throw error;
    }
  }

  /** Size of a file; 0 if it is missing or unusable, which its own check reports. */
  size(file: string): number {
    try {
      return this.disk.fileSize(this.path(file)) ?? 0;
    } catch (error) {
      if (isUnusable(error)) return 0;
      throw error;
    }
  }

  damage(place: Place, reason: string, repair?: Repair): void {
    this.#pending.push({ severity: "damage", ...place, reason, ...withRepair(repair) });
  }

  /** Reports something that costs nothing but is worth knowing. */
  note(place: Place, reason: string, repair?: Repair): void {
    this.#pending.push({ severity: "note", ...place, reason, ...withRepair(repair) });
  }

  /** Counts bytes of log as checked. */
  advance(bytes: number, file: string): void {
    this.counts.bytes += bytes;
    this.#options.onProgress?.(this.counts.bytes, this.totalBytes, file);
  }

  /** Repairs the findings since the last call, if allowed, and reports them in order. */
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
