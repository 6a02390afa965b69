// How a record gets in, as a story: encoded, assigned an offset, written, indexed, flushed, readable. Pure.
// Leaves to others: writing it (http/api/produce.ts).
import { countOf, formatBytes, formatCount, formatMs } from "../parts/format.js";
import type { LogShape, Span } from "../log/log-shape.js";
import type { Step, Story } from "../log/player.js";
import type { ProduceReport } from "./produce-wire.js";

const HEX_PER_LINE = 32;
const HEX_LINES_MAX = 6;

/** Builds the story of a record written to a partition drawn as `shape`. */
export function produceStory(report: ProduceReport, shape: LogShape): Story {
  const { topic, partition, offset, segment, position, bytes } = report;
  const from = shape.placeOf(segment, position) ?? shape.bytes;
  const span: Span = { from, to: from + bytes };
  const found = { span, kind: "found" as const };
  const number = shape.numberOf(segment);
  const whole = number === undefined ? undefined : shape.spanOf(number);
  const step = (
    title: string,
    text: string,
    view: Span | undefined,
    lines: readonly string[] = [],
  ): Step => ({
    title,
    text,
    lines,
    place: { topic, partition, span: view, highlights: [found] },
  });
  const steps = [
    step(`Partition ${formatCount(partition)}`, partitionText(report), undefined),
    step(
      "Encoded as a batch",
      `The record became a batch of ${formatBytes(bytes)}: a header of 61 bytes, then the record${report.codec === "none" ? "" : `, compressed with ${report.codec}`}. CRC-32C ${report.crc}. These are the bytes on disk, and the bytes a consumer gets.`,
      undefined,
      hexLines(report.hex),
    ),
    step(
      `Offset ${formatCount(offset)}`,
      "The broker checked the CRC and wrote the next offset into the first 8 bytes. It changes no other byte.",
      undefined,
    ),
    step(
      report.hasRolled ? "Written to a new segment" : "Appended to the segment",
      `${report.hasRolled ? "The previous segment was full and was sealed. " : ""}It is at position ${formatCount(position)} of the segment that starts with offset ${formatCount(segment)}.`,
      whole,
    ),
    step(
      report.indexEntry === null
        ? "No index entry"
        : `Index entry ${formatCount(report.indexEntry)}`,
      report.indexEntry === null
        ? `It is ${formatBytes(report.bytesSinceEntry)} after the last entry; the next is added after more than ${formatBytes(report.intervalBytes)}.`
        : `More than ${formatBytes(report.intervalBytes)} of log follow the last entry, so this batch gets an entry.`,
      span,
    ),
    step(
      "Acknowledged",
      `${flushText(report.flush)} That took ${formatMs(report.acknowledgedMs)} from the append.`,
      span,
    ),
    step(
      "Readable",
      `The high watermark moved from ${formatCount(report.highWatermarkBefore)} to ${formatCount(report.highWatermark)}: consumers can read the record now, and groups that have not are behind.`,
      span,
    ),
  ];
  const result = { topic, partition, segment, position, offset };
  return {
    title: `How record ${formatCount(offset)} got into ${topic}, partition ${partition}`,
    steps,
    result,
  };
}

function partitionText({ chosenBy, partition, partitions }: ProduceReport): string {
  const of = countOf(partitions, "partition");
  if (partitions === 1)
    return "The topic has only this partition, so all of its records are in one order.";
  if (chosenBy === "order") return `You chose it: the topic has ${of}, numbered from 0.`;
  if (chosenBy === "key") {
    return `The key chose it: murmur2 of its bytes, without the sign bit, modulo ${formatCount(partitions)} is ${formatCount(partition)}. All clients do the same, so records with this key are always in this partition, in order.`;
  }
  return `The record has no key, so any of ${of} would do. A client sends a batch to one of them, and the next batch to another.`;
}

function flushText(flush: string): string {
  if (flush === "always") return "An fdatasync made it durable before it was acknowledged.";
  return `With --flush ${flush} it was acknowledged once the kernel had it; the flush follows later.`;
}

function hexLines(hex: string): string[] {
  const pairs = hex.match(/../g) ?? [];
  const lines: string[] = [];
  for (let i = 0; i < pairs.length && lines.length < HEX_LINES_MAX; i += HEX_PER_LINE / 2) {
    lines.push(pairs.slice(i, i + HEX_PER_LINE / 2).join(" "));
  }
  return lines;
}
