// Reading a segment whose bytes may have been damaged at rest: each batch is checked with its CRC when it is first read.
// Leaves to others: where the bytes come from, and what was checked before (sealed-segment.ts, active-segment.ts).
import { batchBytes, type BatchFault } from "../../record/batch.ts";
import { LogSegment, type RunEnd } from "./segment.ts";
import { VerifiedRanges } from "./verified-ranges.ts";

/** A segment that serves no batch whose CRC or offset is wrong. */
export abstract class CheckedSegment extends LogSegment {
  readonly #verified = new VerifiedRanges();

  /** Why no valid batch that ends by `end` is at `position`, or undefined. */
  protected abstract batchFaultAt(position: number, end: number): BatchFault | undefined;

  /** Called when a read finds damage. */
  protected damageFound(): void {}

  /** From `position` on all batches are known to be valid, those that come later included. */
  protected trustFrom(position: number): void {
    this.#verified.add(position, Number.POSITIVE_INFINITY);
  }

  /**
   * As in all segments, but what it promises has been checked once by its CRCs: a run ends before the first
   * batch that is damaged, and one that begins there is refused with CORRUPT_MESSAGE.
   */
  override boundary(position: number, base: number, bytesMax: number, end: number): RunEnd {
    const run = super.boundary(position, base, bytesMax, end);
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

  /** Why the batch at `position` is not the one that belongs there, or undefined. */
  #batchFault(position: number, end: number, expected: number): string | undefined {
    const fault = this.batchFaultAt(position, end);
    if (fault !== undefined) return fault.message;
    const stated = this.statedBaseOffset(position);
    return stated === expected ? undefined : `its base offset is ${stated}, not ${expected}`;
  }
}
