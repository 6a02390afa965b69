// Draws one partition on a canvas: segments to scale, index entries, the high watermark and the log end, the groups,
// and the places of a lookup. Leaves to others: when to draw, and which span of the log (row.ts).
import type { LogShape, Span } from "./log-shape.js";
import type { Scale } from "./scale.js";
import type { Theme } from "../parts/theme.js";

/** Height of the drawing and its parts, in pixels. */
export const DRAWING_HEIGHT = 52;
const BAR_TOP = 16;
const BAR_HEIGHT = 22;
const COMPACTION_HEIGHT = 3;

/** The track, on which there is room for the log to grow, is thin: what is there stands out. */
const TRACK_HEIGHT = 4;
const TICK_TOP = BAR_TOP + BAR_HEIGHT + 3;
const TICK_HEIGHT = 6;
const TICK_GAP_MIN = 3;

/** Narrower segments have no edges: neighbours are merged into one bar with a pattern. */
const SEGMENT_WIDTH_MIN = 3;

/** A place that a step of a lookup points to. */
export interface Highlight {
  readonly span: Span;
  /** `look`: compared or skipped. `found`: the result. */
  readonly kind: "look" | "found";
}

/** The index entries of one segment. */
export interface Ticks {
  readonly base: number;
  readonly positions: readonly number[];
}

interface Scene {
  readonly shape: LogShape;
  readonly scale: Scale;
  readonly ticks: readonly Ticks[];
  readonly groups: readonly { readonly group: string; readonly offset: number }[];
  readonly highlights: readonly Highlight[];
  /** Index of the segment that has the keyboard cursor, or is open. */
  readonly cursor: number | undefined;
  readonly opened: number | undefined;
  /** The current positions of the two animated marks. */
  readonly watermark: number;
  readonly end: number;
}

export function draw(context: CanvasRenderingContext2D, scene: Scene, colours: Theme): void {
  const { scale } = scene;
  context.clearRect(0, 0, scale.width, DRAWING_HEIGHT);
  context.fillStyle = colours.track;
  context.fillRect(0, BAR_TOP + (BAR_HEIGHT - TRACK_HEIGHT) / 2, scale.width, TRACK_HEIGHT);
  drawSegments(context, scene, colours);
  drawDeleted(context, scene, colours);
  drawCompaction(context, scene, colours);
  drawTicks(context, scene, colours);
  for (const { span, kind } of scene.highlights) {
    drawHighlight(context, scale, span, kind === "found" ? colours.found : colours.look);
  }
  if (scene.opened !== undefined) drawFrame(context, scene, scene.opened, colours.ink, 1.5);
  if (scene.cursor !== undefined) drawFrame(context, scene, scene.cursor, colours.focus, 2);
  drawMarks(context, scene, colours);
}

function drawSegments(
  context: CanvasRenderingContext2D,
  { shape, scale, end, watermark }: Scene,
  colours: Theme,
): void {
  const first = shape.segmentAt(Math.max(0, scale.span.from));
  const last = shape.segmentAt(scale.span.to);
  let merged: Span | undefined;
  const flush = (): void => {
    if (merged !== undefined) drawMerged(context, merged, colours);
    merged = undefined;
  };
  for (let i = first, next = first; i <= last; i = next) {
    const isActive = shape.isActive(i);
    const { from, to } = shape.spanOf(i);
    const x0 = scale.x(from);
    const x1 = scale.x(isActive ? Math.min(to, end) : to);
    next = i + 1;
    if (shape.isGap(i) || (x1 - x0 < SEGMENT_WIDTH_MIN && !isActive)) {
      // Those that end before the same width does are as narrow: there may be thousands of them.
      next = Math.max(next, shape.segmentAt(scale.place(x0 + SEGMENT_WIDTH_MIN)));
      merged = { from: merged?.from ?? x0, to: scale.x(shape.startOf(next)) };
      continue;
    }
    flush();
    if (!isActive) drawBar(context, x0, x1, colours.sealed);
    else {
      const flushed = Math.max(x0, Math.min(x1, scale.x(watermark)));
      drawBar(context, x0, x1, colours.unflushed);
      drawBar(context, x0, flushed, colours.active);
    }
  }
  flush();
}

/** Fades the records that were deleted, although their segment is still there. */
function drawDeleted(
  context: CanvasRenderingContext2D,
  { shape, scale }: Scene,
  colours: Theme,
): void {
  const [x0, x1] = [Math.max(0, scale.x(0)), Math.min(scale.width, scale.x(shape.logStartPlace))];
  if (x1 <= x0) return;
  context.globalAlpha = 0.85;
  context.fillStyle = colours.track;
  context.fillRect(x0, BAR_TOP, x1 - x0, BAR_HEIGHT);
  context.globalAlpha = 1;
}

/** Lines below the sealed segments of a compacted topic: what is compacted, and what is not yet. */
function drawCompaction(
  context: CanvasRenderingContext2D,
  { shape, scale }: Scene,
  colours: Theme,
): void {
  const place = shape.compactedPlace;
  if (place === undefined) return;
  const sealedEnd = scale.x(shape.startOf(shape.count - 1));
  const x = Math.min(scale.x(place), sealedEnd);
  const top = BAR_TOP + BAR_HEIGHT;
  context.fillStyle = colours.clean;
  context.fillRect(scale.x(0), top, Math.max(0, x - scale.x(0)), COMPACTION_HEIGHT);
  context.fillStyle = colours.dirty;
  context.fillRect(x, top, Math.max(0, sealedEnd - x), COMPACTION_HEIGHT);
}

function drawBar(context: CanvasRenderingContext2D, x0: number, x1: number, colour: string): void {
  if (x1 <= x0) return;
  const gap = x1 - x0 > SEGMENT_WIDTH_MIN ? 1 : 0;
  context.fillStyle = colour;
  context.beginPath();
  context.roundRect(x0, BAR_TOP, Math.max(1, x1 - x0 - gap), BAR_HEIGHT, 2);
  context.fill();
}

/** Draws many segments on few pixels: a bar with fine lines, so that it does not look like one segment. */
function drawMerged(context: CanvasRenderingContext2D, { from, to }: Span, colours: Theme): void {
  context.fillStyle = colours.sealed;
  context.fillRect(from, BAR_TOP, Math.max(1, to - from), BAR_HEIGHT);
  context.fillStyle = colours["sealed-edge"];
  for (let x = Math.ceil(from / 4) * 4; x < to; x += 4) {
    context.fillRect(x, BAR_TOP, 1, BAR_HEIGHT);
  }
}

function drawTicks(
  context: CanvasRenderingContext2D,
  { shape, scale, ticks, end }: Scene,
  colours: Theme,
): void {
  context.fillStyle = colours.tick;
  // The entries may be newer than the log end that is drawn.
  const last = Math.min(scale.width, scale.x(end));
  for (const { base, positions } of ticks) {
    const start = shape.placeOf(base, 0);
    if (start === undefined) continue;
    let free = 0;
    for (const position of positions) {
      const x = scale.x(start + position);
      // Closer together than they were requested, they would be a bar.
      if (x < free || x > last) continue;
      context.fillRect(x, TICK_TOP, 1, TICK_HEIGHT);
      free = x + TICK_GAP_MIN;
    }
  }
}

function drawHighlight(
  context: CanvasRenderingContext2D,
  scale: Scale,
  { from, to }: Span,
  colour: string,
): void {
  const [x0, x1] = [scale.x(from), scale.x(to)];
  const width = Math.max(3, x1 - x0);
  const left = (x0 + x1) / 2 - width / 2;
  context.globalAlpha = 0.45;
  context.fillStyle = colour;
  context.fillRect(left, BAR_TOP, width, BAR_HEIGHT);
  context.globalAlpha = 1;
  context.fillRect(left, BAR_TOP - 4, width, 3);
  context.fillRect(left, BAR_TOP + BAR_HEIGHT + 1, width, 3);
}

function drawFrame(
  context: CanvasRenderingContext2D,
  { shape, scale }: Scene,
  segment: number,
  colour: string,
  lineWidth: number,
): void {
  const { from, to } = shape.spanOf(segment);
  const [x0, x1] = [scale.x(from), scale.x(to)];
  context.strokeStyle = colour;
  context.lineWidth = lineWidth;
  context.beginPath();
  // Within the drawing, or its edge would cut off the line.
  const left = x0 >= 0 ? Math.max(lineWidth / 2, x0 - 1) : x0 - 1;
  context.roundRect(left, BAR_TOP - 3, Math.max(5, x1 - left), BAR_HEIGHT + 6, 3);
  context.stroke();
}

function drawMarks(
  context: CanvasRenderingContext2D,
  { shape, scale, groups, watermark, end }: Scene,
  colours: Theme,
): void {
  const endX = scale.x(end);
  context.fillStyle = colours.end;
  context.fillRect(endX - 0.5, BAR_TOP - 6, 1.5, BAR_HEIGHT + 12);
  // Of an empty log, all of it is still to be seen.
  const watermarkX = watermark === 0 ? Math.max(1, scale.x(watermark)) : scale.x(watermark);
  context.fillStyle = colours.watermark;
  context.fillRect(watermarkX - 1, BAR_TOP - 8, 2, BAR_HEIGHT + 16);
  context.beginPath();
  context.moveTo(watermarkX - 5, DRAWING_HEIGHT);
  context.lineTo(watermarkX + 5, DRAWING_HEIGHT);
  context.lineTo(watermarkX, BAR_TOP + BAR_HEIGHT + 7);
  context.fill();
  context.fillStyle = colours.group;
  context.font = "11px system-ui, sans-serif";
  let freeFrom = Number.NEGATIVE_INFINITY;
  const places = groups
    .filter(({ offset }) => offset >= 0)
    .toSorted((a, b) => a.offset - b.offset)
    .map(({ group, offset }) => ({ group, x: scale.x(shape.placeOfOffset(offset)) }));
  for (const [i, { group, x }] of places.entries()) {
    if (x < 0 || x > scale.width) continue;
    context.beginPath();
    context.moveTo(x - 4, BAR_TOP - 8);
    context.lineTo(x + 4, BAR_TOP - 8);
    context.lineTo(x, BAR_TOP);
    context.fill();
    context.fillRect(x - 0.5, BAR_TOP - 2, 1, BAR_HEIGHT + 2);
    // Write a name only where it fits; the list below the drawing has all of them.
    const width = context.measureText(group).width;
    const left = x + 7 + width > scale.width ? x - 7 - width : x + 7;
    const next = places[i + 1]?.x ?? Number.POSITIVE_INFINITY;
    const isFree = left >= freeFrom && (left < x || left + width + 4 <= next);
    if (isFree) context.fillText(group, left, BAR_TOP - 5);
    freeFrom = isFree ? Math.max(x, left + width) + 8 : x + 8;
  }
}
