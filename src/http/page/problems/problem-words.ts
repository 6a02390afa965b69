// What is wrong, in sentences: what, where, since when, and what to do next. Pure.
// Leaves to others: showing them (problem-panel.ts), and which problems there are (services/problems.ts).
import { countOf, formatAge, formatBytes, formatCount, formatTime } from "../parts/format.js";
import { hrefOf } from "../router.js";
import type { Problem, ProblemList } from "./problem-wire.js";

export interface ProblemWords {
  readonly what: string;
  readonly next: string;
  /** Where to look; undefined if there is no such place. */
  readonly link: { readonly text: string; readonly href: string } | undefined;
  /** Since when, with the time in full; undefined if that is unknown. */
  readonly since: { readonly text: string; readonly time: string } | undefined;
}

type Words = Omit<ProblemWords, "since">;

/** Signs, so that a state is never told by its colour alone. */
export const SIGNS = { good: "✓", note: "i", warning: "!", error: "✕", unknown: "?" } as const;

export type Level = keyof typeof SIGNS;

/** The state of the broker in a word or two. */
export function statusOf({ counts }: Pick<ProblemList, "counts">): { level: Level; text: string } {
  const { error, warning } = counts;
  if (error + warning === 0) return { level: "good", text: "all right" };
  return { level: error > 0 ? "error" : "warning", text: countOf(error + warning, "problem") };
}

/** `bytesPerSecond` is what arrives in all topics; undefined if that is unknown. */
export function wordsOf(
  problem: Problem,
  { nowMs, bytesPerSecond }: { readonly nowMs: number; readonly bytesPerSecond?: number },
): ProblemWords {
  const { sinceMs } = problem;
  const noticed = problem.kind === "group" ? "last commit" : "noticed";
  const since =
    sinceMs === null
      ? undefined
      : { text: `${noticed} ${formatAge(nowMs - sinceMs)} ago`, time: formatTime(sinceMs) };
  return { ...sentencesOf(problem, nowMs, bytesPerSecond), since };
}

function sentencesOf(problem: Problem, nowMs: number, bytesPerSecond: number | undefined): Words {
  switch (problem.kind) {
    case "full":
      return {
        what: `The disk is full: ${partitionsOf(problem)} ${refuses(problem)} new records.`,
        next: "Free space, or shorten retention. Producers that retry then continue without help.",
        link: LARGEST_TOPICS,
      };
    case "disk":
      return {
        what: diskWords(problem, bytesPerSecond),
        next: "Free space, or shorten retention.",
        link: LARGEST_TOPICS,
      };
    case "connections":
      return {
        what: `The limit of ${countOf(problem.count, "connection")} is reached: new clients are refused.`,
        next: "See which clients hold them; raise --max-connections, or the limit on open files.",
        link: CONNECTIONS,
      };
    case "certificate":
      return {
        what: certificateWords(problem.endsMs, nowMs),
        next: "Replace the files of --tls-cert and --tls-key. No restart is needed.",
        link: undefined,
      };
    case "certificate-files":
      return {
        what: `The new certificate can't be used: ${problem.reason}.`,
        next: "Correct the files; until then the broker uses the certificate that it read before.",
        link: undefined,
      };
    case "throttled":
      return {
        what: `${countOf(problem.count, "connection")} must wait: their clients use more than their quotas.`,
        next: "See which ones; raise a quota with rustlog quotas.",
        link: CONNECTIONS,
      };
    case "unclean":
      return {
        what: "The broker did not stop cleanly last time. It checked the logs at this start.",
        next: "If nobody killed it, the system log of the machine may say why it ended.",
        link: undefined,
      };
    case "group":
      return {
        what: `Group ${problem.group} commits nothing: it has ${countOf(problem.members, "member")}, and is ${countOf(problem.lag, "record")} behind.`,
        next: "See which member is stuck, and restart it.",
        link: { text: `Group ${problem.group}`, href: hrefOf("groups", [problem.group]) },
      };
    default:
      return wordsOfPartition(problem);
  }
}

type OfPartition = Exclude<
  Extract<Problem, { readonly partitions: number }>,
  { readonly kind: "full" }
>;

function wordsOfPartition(problem: OfPartition): Words {
  const { topic, partition } = problem;
  const name = `${topic}-${partition}`;
  const link = { text: `Log of ${name}`, href: hrefOf("log", [topic, partition]) };
  const ofTopic = { text: `Topic ${topic}`, href: hrefOf("topics", [topic]) };
  const records = (text: string, from: string | number) => ({
    text,
    href: hrefOf("records", [topic], { partition, from }),
  });
  const these = partitionsOf(problem);
  switch (problem.kind) {
    case "offline":
      return {
        what: `${these} ${problem.partitions === 1 ? "is" : "are"} offline: ${problem.reason}.`,
        next:
          topic === OFFSETS_TOPIC
            ? "Fix this and restart the broker, or stop it and move the topic's directory away."
            : "Fix this and restart the broker, or delete the topic.",
        link: ofTopic,
      };
    case "refused":
      return {
        what: `${these} ${refuses(problem)} new records: ${problem.reason}.`,
        next: "Remove the cause; the problem ends with the next batch that is written.",
        link,
      };
    case "untruncated":
      return {
        what: `${name} takes no records: there is no space to keep ${formatBytes(problem.bytes)} that must be truncated.`,
        next: "Free space; then the next batch is written.",
        link,
      };
    case "damage": {
      const { offset, places, reason } = problem;
      const where = places === 1 ? "" : `in ${formatCount(places)} places, first `;
      return {
        what: `${name} is damaged ${where}at offset ${formatCount(offset)}: ${reason}.`,
        next: "Suspect the disk. Readers must continue after the damage; produce the lost records again.",
        link: records(`Records at offset ${formatCount(offset)}`, offset),
      };
    }
    case "truncated": {
      const { bytes, offset, file, reason } = problem;
      return {
        what: `${formatBytes(bytes)} at the end of ${name} were truncated at the last start, from offset ${formatCount(offset)} on: ${reason}.`,
        next:
          file === null
            ? "Nothing to do: they were all zero."
            : `They are in ${fileOf(topic, partition, file)}: look with rustlog inspect, then remove the file.`,
        link: records("Its last records", "-10"),
      };
    }
    case "kept":
      return {
        what: `An earlier start truncated the end of ${these}.`,
        next: `The bytes are in ${fileOf(topic, partition, problem.file)}: remove the file if nobody needs it.`,
        link,
      };
    case "compaction":
      return {
        what: `${these} could not be compacted: ${problem.reason}.`,
        next: "The broker tries again; until then old values stay.",
        link: ofTopic,
      };
    case "uncompacted":
      return {
        what: `Compaction leaves a part of ${these} as it is: ${problem.reason}.`,
        next: "Old values and deleted keys stay there, and tombstones after it.",
        link: ofTopic,
      };
    default:
      return {
        what: `Old segments of ${these} could not be deleted: ${problem.reason}.`,
        next: "Remove the cause; the broker tries again at the next pass of retention.",
        link,
      };
  }
}

const OFFSETS_TOPIC = "__consumer_offsets";

const CONNECTIONS = { text: "Connections", href: hrefOf("connections") };

const LARGEST_TOPICS = { text: "Largest topics", href: hrefOf("topics", [], { order: "-size" }) };

/** `orders-0`, `orders-0 and 2 more partitions`. */
function partitionsOf({
  topic,
  partition,
  partitions,
}: Pick<OfPartition, "topic" | "partition" | "partitions">): string {
  const name = `${topic}-${partition}`;
  return partitions === 1 ? name : `${name} and ${countOf(partitions - 1, "more partition")}`;
}

function refuses({ partitions }: { readonly partitions: number }): string {
  return partitions === 1 ? "refuses" : "refuse";
}

function fileOf(topic: string, partition: number, file: string): string {
  return `topics/${topic}/${partition}/${file}`;
}

function diskWords(
  { totalBytes, usableBytes }: { readonly totalBytes: number; readonly usableBytes: number },
  bytesPerSecond: number | undefined,
): string {
  const percent = Math.floor((100 * usableBytes) / Math.max(1, totalBytes));
  const left = `The disk is nearly full: ${formatBytes(usableBytes)} of ${formatBytes(totalBytes)} (${percent} %) are free.`;
  if (bytesPerSecond === undefined || bytesPerSecond < 1) return left;
  const full = formatAge((1000 * usableBytes) / bytesPerSecond);
  return `${left} With ${formatBytes(bytesPerSecond)}/s coming in, that lasts ${full}, unless segments are deleted.`;
}

function certificateWords(endsMs: number, nowMs: number): string {
  const day = formatTime(endsMs).slice(0, 10);
  return endsMs <= nowMs
    ? `The TLS certificate expired on ${day}: clients refuse to connect.`
    : `The TLS certificate expires in ${formatAge(endsMs - nowMs)}, on ${day}.`;
}
