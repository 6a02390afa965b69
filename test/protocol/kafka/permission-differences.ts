// Where our answers to users differ from Apache Kafka's (permissions.jsonl), and why. A difference that is not listed fails
// the test, and so does one that no longer occurs. Leaves to others: the differences of a broker without users
// (oracle-differences.ts).
import type { Difference } from "./oracle-differences.js";

const DIFFERENCES: readonly Difference[] = [
  {
    because: "an error has a text, also where Kafka has none",
    lines: [
      /errorMessage: Kafka null, RustLog "/,
      /: FindCoordinator v4: .*errorMessage: Kafka "", RustLog "GROUP_AUTHORIZATION_FAILED/,
    ],
  },
  {
    because: "Kafka adds a row for a user without a name to the error of the request",
    lines: [/: DescribeUserScramCredentials v0: results\[0\]: only in Kafka's/],
  },
  {
    because: "operations are told of topics that exist",
    lines: [/: Metadata v9: topics\[[\w-]+-missing\]\.topicAuthorizedOperations/],
  },
  {
    because:
      "a missing topic is created before Metadata answers, so that the client need not ask again",
    lines: [/: Metadata auto v12: topics\[[\w-]+-auto\]\.errorCode: Kafka 3, RustLog 0$/],
  },
  {
    because:
      "the list of aborted transactions is null in every row for clients that read uncommitted records",
    lines: [/: Fetch .*\.abortedTransactions: Kafka "array", RustLog null$/],
  },
  {
    because: "a group that nobody could join is not remembered",
    lines: [
      /: DeleteGroups v2: results\[[\w-]+-missing\]\.errorCode: Kafka 0, RustLog 69$/,
      /: OffsetDelete 1 v0: errorCode: Kafka 0, RustLog 69$/,
      /: ListGroups of the cluster v5: groups\[[\w-]+-missing\]: only in Kafka's/,
    ],
  },
  {
    because: "few members are heard of more often, so that they hear of each other sooner",
    lines: [/: ConsumerGroupHeartbeat .*heartbeatIntervalMs: Kafka 5000, RustLog 1000$/],
  },
  {
    because: "a topic that is deleted is taken from its readers at once",
    lines: [/groups\[deny-consumers\]\.groupState: Kafka "Stable", RustLog "Reconciling"$/],
  },
  {
    because: "the options of the broker can't be changed while it runs",
    lines: [/: IncrementalAlterConfigs of a broker v1: .*errorCode: Kafka 0, RustLog 42$/],
  },
  {
    because:
      "Kafka's defaults are given to this broker as options, and Kafka has no options that say the same",
    lines: [/: CreateTopics .*configs\[[\w.]+\]\.configSource: Kafka [35], RustLog [45]$/],
  },
];

const ALL = DIFFERENCES.flatMap(({ lines }) => lines);

export function isMeant(line: string): boolean {
  return ALL.some((pattern) => pattern.test(line));
}

/** Patterns that match none of the lines. */
export function unused(lines: readonly string[]): string[] {
  return ALL.filter((pattern) => !lines.some((line) => pattern.test(line))).map(String);
}
