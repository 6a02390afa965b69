// Where our answers differ from Apache Kafka's (oracle.ts), and why. A difference that is not listed fails the test, and
// so does one that no longer occurs.

export interface Difference {
  readonly because: string;
  /** Each matches at least one line of the form `question: path: what differs`. */
  readonly lines: readonly RegExp[];
}

/** APIs of groups, transactions and security: not advertised yet, so the connection is closed. */
const LATER = [...[24, 25, 26, 27, 28, 34, 38, 39, 40, 41], ...[65, 66]];

/** APIs of quorums, telemetry, share groups and streams groups, which a broker of one node does not have. */
const NEVER = [55, 57, 64, 71, 72, 74, ...Array.from({ length: 19 }, (_, i) => 76 + i)];

export const NOT_ADVERTISED: readonly number[] = [...LATER, ...NEVER];

export const DIFFERENCES: readonly Difference[] = [
  // Protocols
  {
    because: "a client of HTTP is told where the page is",
    lines: [/^HTTP request: Kafka closed, RustLog closed after other bytes$/],
  },
  {
    because: "only -1 is null; Kafka takes every negative length for it",
    lines: [/^(?:Metadata v1 array|client id) length -2: Kafka 1 responses, RustLog closed$/],
  },

  // ApiVersions
  {
    because:
      "only the metadata version is a feature here: the others are of groups, transactions and quorums",
    lines: [
      /^ApiVersions .*: supportedFeatures\[(?!metadata)[\w.]+\]: only in Kafka's/,
      /^ApiVersions .*: finalizedFeatures\[(?!metadata)[\w.]+\]: only in Kafka's/,
    ],
  },
  {
    because: "the epoch of the features is a position in Kafka's metadata log",
    lines: [/^ApiVersions .*: finalizedFeaturesEpoch: Kafka \d+, RustLog 0$/],
  },

  // Consumer groups
  {
    because: "few members are heard of more often, so that they hear of each other sooner",
    lines: [/^C.*: heartbeatIntervalMs: Kafka 5000, RustLog 1000$/],
  },

  // Topics that are not there
  {
    because: "the topic of committed offsets has one partition, which is enough for one broker",
    lines: [
      /^(?:Metadata|DescribeLogDirs) .*\[__consumer_offsets\]\.partitions\[[123]\]: only in Kafka's/,
      /^DescribeLogDirs .*\[__consumer_offsets\]\.partitions\[0\]\.partitionSize/,
    ],
  },
  {
    because: "transactions have no internal topic yet",
    lines: [
      /^(?:Metadata|DescribeLogDirs|ElectLeaders) .*\[__transaction_state\]: only in Kafka's/,
      /^Produce to __consumer_offsets v9: .*errorCode: Kafka 3, RustLog 17$/,
    ],
  },
  {
    because:
      "a missing topic is created before Metadata answers, so that the client need not ask again",
    lines: [/^Metadata unknown auto v12: topics\[autoc\]\.errorCode: Kafka 3, RustLog 0$/],
  },
  {
    because: "Kafka fails with an internal error",
    lines: [
      /^Metadata null name without id v12: (?:brokers|clusterId|controllerId|topics\[0\]\.errorCode)/,
      /^DescribeTopicPartitions empty name v0: topics\[0\]\.errorCode: Kafka -1, RustLog 17$/,
      /^Produce codec 7 v9: .*errorCode: Kafka -1, RustLog 76$/,
      /^Produce a huge batch length v9: .*errorCode: Kafka -1, RustLog 87$/,
      /^Produce null records v9: Kafka silent, RustLog 1 responses$/,
      /^Fetch negative max bytes v12: .*errorCode: Kafka -1, RustLog 0$/,
      /^Fetch isolation level 7 v12: errorCode: Kafka -1, RustLog 0$/,
      /^IncrementalAlterConfigs op 9 v1: .*errorCode: Kafka -1, RustLog 42$/,
    ],
  },
  {
    because: "what is asked for twice is answered twice, and a topic without partitions once",
    lines: [
      /^(?:Fetch a partition twice v12|ListOffsets a partition twice v9|DeleteRecords a partition twice v2|DeleteGroups twice v2): .*again 1\]: only in RustLog's/,
      /^Fetch a partition twice v12: responses\[pg\]\.partitions\[0\]\.records/,
      /^DeleteRecords a partition twice v2: topics\[pg\]\.partitions\[0\]\.lowWatermark/,
      /^(?:ListOffsets nothing v9|DeleteRecords nothing v2): topics\[pg\]: only in RustLog's/,
    ],
  },

  {
    because: "a topic may have 10,000 partitions at once",
    lines: [/^CreateTopics 10,000 partitions v4: .*errorCode: Kafka 44, RustLog 0$/],
  },

  // Produce and Fetch
  {
    because: "an error has a text, also where Kafka has none",
    lines: [
      /^Produce .*\.errorMessage: Kafka null, RustLog "/,
      /^DescribeProducers .*\.errorMessage: Kafka null, RustLog "/,
      /^DeleteGroups .*\.errorMessage: Kafka null, RustLog "/,
    ],
  },
  {
    because:
      "the log start offset is not told with an error; clients read it only with UNKNOWN_PRODUCER_ID",
    lines: [/^Produce .*\.logStartOffset: Kafka 0, RustLog -1$/],
  },
  {
    because:
      "a batch of a topic with CreateTime has no time of the broker, also if it is repeated; Kafka's answer has the producer's",
    lines: [/^Produce idemp.*\.logAppendTimeMs: Kafka \d+, RustLog -1$/],
  },
  {
    because: "a request must hold exactly one valid batch",
    lines: [
      /^Produce trailing zeros v9: .*errorCode: Kafka 0, RustLog 87$/,
      /^Produce LogAppendTime bit by client v9: .*errorCode: Kafka 0, RustLog 87$/,
      /^Produce a negative batch length v9: .*errorCode: Kafka 2, RustLog 87$/,
      /^Produce with a producer id and no epoch v9: .*errorCode: Kafka 0, RustLog 87$/,
    ],
  },
  {
    because: "there are no fetch sessions",
    lines: [/^Fetch session new v12: sessionId: Kafka \d+, RustLog 0$/],
  },
  {
    because:
      "the list of aborted transactions is null in every row for clients that read uncommitted records",
    lines: [/^Fetch .*\.abortedTransactions: Kafka "array", RustLog null$/],
  },
  {
    because: "there are no replicas, so a fetch that says it is of one is served as any other",
    lines: [/^Fetch as a replica v12: .*errorCode: Kafka 6, RustLog 0$/],
  },
  {
    because: "records that DeleteRecords deleted take no space",
    lines: [
      /^DescribeLogDirs v4: results\[0\]\.topics\[pb\]\.partitions\[0\]\.partitionSize: Kafka \d+, RustLog 0$/,
    ],
  },

  {
    because: "Kafka finds the latest timestamp of a log in records that DeleteRecords deleted",
    lines: [
      /^ListOffsets of an emptied log v9 \(3\): topics\[ph-none\]\.partitions\[0\]\.(?:timestamp|offset|leaderEpoch)/,
    ],
  },

  // Groups
  {
    because: "Kafka creates its internal topics first, and clients ask again",
    lines: [
      /^FindCoordinator .*errorCode: Kafka 15, RustLog 0$/,
      /^FindCoordinator v4 empty key v4: coordinators\[(?:-1|1)\]: only in/,
    ],
  },
  {
    because: "there are no share groups, so the key of one is as wrong as any other",
    lines: [/^FindCoordinator v6 share badkey v6: coordinators\[x\]\.errorMessage/],
  },
  {
    because: "a group that nobody could join is not remembered",
    lines: [/^ListGroups .*: groups\[gj0\]: only in Kafka's/],
  },
  {
    because: "members keep more of what they have: fewer partitions move",
    lines: [
      /^CGH on nonempty classic v1: assignment\.topicPartitions\[[\w-]+\]\.partitions\[\d\]: /,
    ],
  },

  // Transactions
  {
    because: "transactions are not supported yet",
    lines: [
      /^ListGroups .*: groups\[gtx\]: only in Kafka's/,
      /^InitProducerId (?:txn.*|timeout .*|wrong pid.*|tx2|tx9) v\d: errorCode: Kafka \d+, RustLog 35$/,
      /^Produce (?:txn ok.*|v12 implicit add) v\d+: .*errorCode: Kafka 0, RustLog (?:48|120)$/,
      /^Produce txn without AddPartitions v9 v9: .*errorMessage: Kafka "Partition was not added/,
      /^Produce nontxn during txn v9: .*errorCode: Kafka 48, RustLog 0$/,
      /^DescribeProducers v0: topics\[pc\]\.partitions\[0\]\.activeProducers\[\d+\]\.(?:lastSequence|currentTxnStartOffset)/,
      /^ListOffsets RC .*: topics\[pc\]/,
      /^Fetch RC v12: responses\[pc\]/,
      /^OffsetFetch (?:pending stable|after commit) v8: groups\[gtx\]/,
      /^DescribeGroups authops v5: groups\[gtx\]\.groupState: Kafka "Empty", RustLog "Dead"$/,
      /^DescribeLogDirs v4: results\[0\]\.topics\[pc\]\.partitions\[0\]\.partitionSize: Kafka 296, RustLog 70$/,
    ],
  },

  // Settings
  {
    because:
      "Kafka's defaults are given to this broker as options, and Kafka has no options that say the same",
    lines: [
      /configs\[(?:log\.)?(?:retention\.ms|segment\.bytes|max\.message\.bytes|flush\.messages)\]\.(?:configSource|synonyms\[.*\]\.source): Kafka 5, RustLog 4$/,
      /configs\[(?:retention\.ms|segment\.bytes|max\.message\.bytes|flush\.messages)\]\.synonyms\[(?:log|message)\.[\w.]+(?:, again 1)?\]: only in RustLog's/,
    ],
  },
  {
    because: "the broker's setting has a value, where Kafka's is null and means another one",
    lines: [
      /configs\[(?:segment\.ms|flush\.ms|segment\.jitter\.ms)\]\.synonyms\[log\.[\w.]+\]: only in RustLog's/,
    ],
  },
  {
    because: "a broker of KRaft has min.insync.replicas in its cluster's settings",
    lines: [
      /configs\[min\.insync\.replicas\]\.(?:configSource|synonyms\[min\.insync\.replicas\]\.source): Kafka 3, RustLog 5$/,
      /configs\[min\.insync\.replicas\]\.synonyms\[min\.insync\.replicas, again 1\]: only in Kafka's/,
      /^DescribeConfigs broker '' v4: results\[0\]\.configs\[min\.insync\.replicas\]: only in Kafka's/,
    ],
  },
  {
    because: "the broker's settings are those that this broker has; none changes while it runs",
    lines: [
      /^DescribeConfigs broker (?:1|one) v4: results\[1\]\.configs\[/,
      /^DescribeConfigs broker logger v4: results\[1\]\.configs\[root\]: only in Kafka's/,
      /^IncrementalAlterConfigs broker unknown key v1: .*errorCode: Kafka 0, RustLog 42$/,
    ],
  },
  {
    because: "groups and the metrics of clients have no settings yet",
    lines: [
      /^DescribeConfigs (?:group|metrics) v4: results\[(?:gj|x)\]\.configs\[[\w.]+\]: only in Kafka's/,
    ],
  },
  {
    because: "a value that would have no effect is refused by name",
    lines: [
      /^CreateTopics config (?:min\.insync\.replicas=2|compression\.type=zstd|flush\.messages=1) v7: .*errorCode: Kafka 0, RustLog 40$/,
    ],
  },
  {
    because: "values are stored in their usual form",
    lines: [
      /^CreateTopics config (?:cleanup\.policy=delete,delete|preallocate=TRUE|retention\.ms= 1000 ) v7: .*\.value: Kafka /,
    ],
  },
  {
    because: "each resource may be described once, as it may be altered once",
    lines: [/^DescribeConfigs several v4: results\[pg, again 1\]\.errorCode: Kafka 0, RustLog 42$/],
  },

  // Administration
  {
    because: "operations are told of topics that exist",
    lines: [/^DescribeTopicPartitions invalid name v0: topics\[a b\]\.topicAuthorizedOperations/],
  },
  {
    because: "security is disabled, whatever is asked",
    lines: [/^DescribeAcls unknown type v2: Kafka closed, RustLog 1 responses$/],
  },
];

/** Why a line is meant, if it is. */
export function isMeant(line: string): boolean {
  return DIFFERENCES.some(({ lines }) => lines.some((pattern) => pattern.test(line)));
}

/** Patterns that match none of the lines. */
export function unused(lines: readonly string[]): string[] {
  const patterns = DIFFERENCES.flatMap((difference) => difference.lines);
  return patterns.filter((pattern) => !lines.some((line) => pattern.test(line))).map(String);
}
