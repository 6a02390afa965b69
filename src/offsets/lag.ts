// How far a group is behind. Leaves to others: where the three offsets come from.

/** Records that a group has not read: what was deleted before it could be read is not counted. */
export function lagOf(offset: {
  readonly committedOffset: number;
  readonly logStartOffset: number;
  readonly highWatermark: number;
}): number {
  const next = Math.max(offset.committedOffset, offset.logStartOffset);
  return Math.max(0, offset.highWatermark - next);
}
