// Reads a segment whose bytes may be damaged on disk: checks the CRC of each batch when it is first read.
// Leaves to others: the source of the bytes, and earlier checks (sealed-segment.ts, active-segment.ts).
import { batchBytes, type BatchFault } from "../../record/batch.js";
import { LogSegment, type RunEnd } from "./segment.js";
import { VerifiedRanges } from "./verified-ranges.js";

/** A segment that never serves a batch with a wrong CRC or offset. */
export abstract class CheckedSegment extends LogSegment {
  readonly #verified = new VerifiedRanges();

  /** Why there is no valid batch at `position` that ends by `end`; undefined if there is one. */
  protected abstract batchFaultAt(position: number, end: number): BatchFault | undefined;

  /** Called when a read finds damage. */
  protected damageFound(): void {}

  /** Marks all batches from `position` on as valid, including those appended later. */
  protected trustFrom(position: number): void {
    this.#verified.add(position, Number.POSITIVE_INFINITY);
  }

  /**
   * As in all segments, but with checked CRCs: a run ends before the first damaged batch, and a run that would begin
   * there throws CORRUPT_MESSAGE.
   */
  override boundary(position: number, bytesMax: number, end: number): RunEnd {
    const run = super.boundary(position, bytesMax, end);
    const stop = run.position;
    let expected: number | undefined;
    for (let at = this.#verified.verifiedFrom(position); at < stop;) {
      expected ??= this.offsetAt(at);
      const fault = this.#batchFault(at, stop, expected);
      if (fault !== undefined) {
        this.damageFound();
        if (at > position) return { position: at, nextOffset: undefined };
        const whole = this.headerFault(at, stop) === undefined;
        const next = whole ? this.offsetAfter(at, expected) : undefined;
        const skip = next === undefined ? "" : `; the records after it begin at offset ${next}`;
        throw this.corrupt(at, `${fault}${skip}`);
      }
      const next = at + batchBytes(this.headerBytes(at), this.headerAt);
      this.#verified.add(at, next);
      const due = this.offsetAfter(at, expected);
      expected = next < stop ? this.trueBaseOffset(next, due, at) : undefined;
      at = this.#verified.verifiedFrom(next);
      if (at !== next) expected = undefined;
    }
    return run;
  }

  override isDamagedAt(position: number, end: number): boolean {
    if (position >= end || this.#isVerified(position)) return false;
    const isDamaged = this.#batchFault(position, end, this.offsetAt(position)) !== undefined;
    if (isDamaged) this.damageFound();
    return isDamaged;
  }

  protected override isIntact(position: number): boolean {
    return this.#isVerified(position) || this.batchFaultAt(position, this.fileBytes) === undefined;
  }

  #isVerified(position: number): boolean {
    return this.#verified.verifiedFrom(position) > position;
  }

  /** Why the batch at `position` is not the expected one; undefined if it is. */
  #batchFault(position: number, end: number, expected: number): string | undefined {
    const fault = this.batchFaultAt(position, end);
    if (fault !== undefined) return fault.message;
    const stated = this.statedBaseOffset(position);
    return stated === expected ? undefined : `its base offset is ${stated}, not ${expected}`;
  }
}
