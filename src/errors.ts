// Every error that can cross the wire: name, number, whether it is retriable, and what to do.
// Leaves to others: raising them. Names and numbers below 1000 are Kafka's
// (https://kafka.apache.org/protocol.html#protocol_error_codes); those from 1000 on are ours.

/** A row of the table of errors. */
export interface ErrorKind {
  /** Number in the `errorCode` field of a response. 0 means success and is never an error. */
  readonly wire: number;
  /** Whether the same request, sent again unchanged, may succeed. */
  readonly retriable: boolean;
  /** What to do next, for the person who sees the error. */
  readonly help: string;
}

/** All errors by name. */
export const ERRORS = {
  OFFSET_OUT_OF_RANGE: {
    wire: 1,
    retriable: false,
    help: "Read from an offset between the log start and the high watermark.",
  },
  CORRUPT_MESSAGE: {
    wire: 2,
    retriable: false,
    help: "A batch is damaged or malformed. If it came from disk, stop the broker and run `rustlog verify`.",
  },
  UNKNOWN_TOPIC_OR_PARTITION: {
    wire: 3,
    retriable: false,
    help: "List topics with `rustlog topics list`, or create one with `rustlog topics create`.",
  },
  MESSAGE_TOO_LARGE: {
    wire: 10,
    retriable: false,
    help: "Send smaller batches, or raise --max-batch-bytes of the broker or max.message.bytes of the topic.",
  },
  OFFSET_METADATA_TOO_LARGE: {
    wire: 12,
    retriable: false,
    help: "Store less text with a committed offset.",
  },
  INVALID_TIMESTAMP: {
    wire: 32,
    retriable: false,
    help: "Correct the timestamp or the clocks, or change message.timestamp.before.max.ms or message.timestamp.after.max.ms of the topic.",
  },
  COORDINATOR_NOT_AVAILABLE: {
    wire: 15,
    retriable: true,
    help: "The broker can't store what it knows about groups: its log says why.",
  },
  NOT_COORDINATOR: {
    wire: 16,
    retriable: true,
    help: "The broker has stopped waiting for the other members: find the coordinator, and send the request again.",
  },
  INVALID_TOPIC: {
    wire: 17,
    retriable: false,
    help: "A topic name has 1 to 249 characters of a-z A-Z 0-9 . _ - and is neither '.' nor '..', nor that of an internal topic.",
  },
  ILLEGAL_GENERATION: {
    wire: 22,
    retriable: false,
    help: "The group has rebalanced since: join it again.",
  },
  INCONSISTENT_GROUP_PROTOCOL: {
    wire: 23,
    retriable: false,
    help: "Give all members of a group the same assignors, or at least one that all of them have.",
  },
  INVALID_GROUP: {
    wire: 24,
    retriable: false,
    help: "A group name has 1 to 249 bytes of UTF-8.",
  },
  UNKNOWN_MEMBER_ID: {
    wire: 25,
    retriable: false,
    help: "The member has left, or was silent for longer than its session timeout: join the group again.",
  },
  INVALID_SESSION_TIMEOUT: {
    wire: 26,
    retriable: false,
    help: "Use a session timeout between group.min.session.timeout.ms and group.max.session.timeout.ms of the broker.",
  },
  REBALANCE_IN_PROGRESS: {
    wire: 27,
    retriable: false,
    help: "The group assigns its partitions again: join it again.",
  },
  INVALID_COMMIT_OFFSET_SIZE: {
    wire: 28,
    retriable: false,
    help: "Commit an offset that a log can have. If committed offsets take too much memory, delete groups that are not used.",
  },
  TOPIC_AUTHORIZATION_FAILED: {
    wire: 29,
    retriable: false,
    help: "Ask an administrator for this permission on the topic.",
  },
  GROUP_AUTHORIZATION_FAILED: {
    wire: 30,
    retriable: false,
    help: "Ask an administrator for this permission on the group.",
  },
  CLUSTER_AUTHORIZATION_FAILED: {
    wire: 31,
    retriable: false,
    help: "Ask an administrator for this permission on the cluster.",
  },
  UNSUPPORTED_SASL_MECHANISM: {
    wire: 33,
    retriable: false,
    help: "Log in with a mechanism that the broker offers: the message lists them.",
  },
  ILLEGAL_SASL_STATE: {
    wire: 34,
    retriable: false,
    help: "Log in before any other request, and again if the login has expired or the user was changed.",
  },
  UNSUPPORTED_VERSION: {
    wire: 35,
    retriable: false,
    help: "Client and broker are too far apart: use the same release of both.",
  },
  TOPIC_ALREADY_EXISTS: {
    wire: 36,
    retriable: false,
    help: "Use another name, or delete the topic first.",
  },
  INVALID_PARTITIONS: {
    wire: 37,
    retriable: false,
    help: "A topic has between 1 and 10,000 partitions.",
  },
  INVALID_CONFIG: {
    wire: 40,
    retriable: false,
    help: "See docs/STORAGE.md for the settings of a topic and their ranges.",
  },
  INVALID_REQUEST: {
    wire: 42,
    retriable: false,
    help: "The request does not follow docs/PROTOCOL.md.",
  },
  POLICY_VIOLATION: {
    wire: 44,
    retriable: false,
    help: "The message names the limit, or the setting, that does not allow it.",
  },
  OUT_OF_ORDER_SEQUENCE: {
    wire: 45,
    retriable: false,
    help: "Batches of this producer arrived out of order: create a new producer.",
  },
  INVALID_PRODUCER_EPOCH: {
    wire: 47,
    retriable: false,
    help: "A newer producer with the same id has taken over.",
  },
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: {
    wire: 53,
    retriable: false,
    help: "Ask an administrator for this permission on the transactional id.",
  },
  SECURITY_DISABLED: {
    wire: 54,
    retriable: false,
    help: "The broker has no users, so everybody may do everything: add a user first.",
  },
  STORAGE_ERROR: {
    wire: 56,
    retriable: false,
    help: "The broker cannot use a file or its disk: the message names the path and the cause.",
  },
  SASL_AUTHENTICATION_FAILED: {
    wire: 58,
    retriable: false,
    help: "Check the name of the user and the password.",
  },
  NON_EMPTY_GROUP: {
    wire: 68,
    retriable: false,
    help: "Stop all members of the group first.",
  },
  GROUP_NOT_FOUND: {
    wire: 69,
    retriable: false,
    help: "List groups with `rustlog groups list`.",
  },
  MEMBER_ID_REQUIRED: {
    wire: 79,
    retriable: true,
    help: "Join again with the member id in the response.",
  },
  GROUP_MAX_SIZE_REACHED: {
    wire: 81,
    retriable: false,
    help: "The message names the limit. Use fewer members, or more groups.",
  },
  FENCED_INSTANCE_ID: {
    wire: 82,
    retriable: false,
    help: "Another member has joined with the same group.instance.id: give each its own.",
  },
  GROUP_SUBSCRIBED_TO_TOPIC: {
    wire: 86,
    retriable: false,
    help: "Stop the members that read the topic first.",
  },
  INVALID_RECORD: {
    wire: 87,
    retriable: false,
    help: "The message names the rule that the batch breaks; nothing of it was written. See docs/PROTOCOL.md.",
  },
  THROTTLING_QUOTA_EXCEEDED: {
    wire: 89,
    retriable: true,
    help: "Create and delete topics more slowly, or raise the quota controller_mutation_rate of the user.",
  },
  RESOURCE_NOT_FOUND: {
    wire: 91,
    retriable: false,
    help: "Check the name: the broker does not have what the request names.",
  },
  UNACCEPTABLE_CREDENTIAL: {
    wire: 93,
    retriable: false,
    help: "Choose another name or password: the message says what is wrong with it.",
  },
  UNKNOWN_TOPIC_ID: {
    wire: 100,
    retriable: false,
    help: "The topic was deleted, and may have been recreated with other records: describe it, and choose where to go on.",
  },
  FENCED_MEMBER_EPOCH: {
    wire: 110,
    retriable: false,
    help: "The member was removed from its group: it must give up its partitions and join again.",
  },
  UNRELEASED_INSTANCE_ID: {
    wire: 111,
    retriable: false,
    help: "Another member has this group.instance.id: stop it first, or give each its own.",
  },
  UNSUPPORTED_ASSIGNOR: {
    wire: 112,
    retriable: false,
    help: "The broker has the assignors uniform and range.",
  },
  STALE_MEMBER_EPOCH: {
    wire: 113,
    retriable: false,
    help: "The member's epoch has changed: send a heartbeat, and commit again with the new one.",
  },
  INVALID_REGULAR_EXPRESSION: {
    wire: 128,
    retriable: false,
    help: "Use RE2's syntax (https://github.com/google/re2/wiki/Syntax): no backreferences, no lookaround.",
  },
  DISK_FULL: {
    wire: 1001,
    retriable: true,
    help: "Make space on the broker's disk; writing resumes by itself.",
  },
  BROKER_STOPPING: {
    wire: 1002,
    retriable: true,
    help: "Connect again once the broker is back.",
  },
  FRAME_TOO_LARGE: {
    wire: 1003,
    retriable: false,
    help: "Send smaller frames, or raise --max-frame-bytes of the broker.",
  },
  TOO_MANY_CONNECTIONS: {
    wire: 1004,
    retriable: true,
    help: "Close connections, or raise the limit that the message names (--max-connections, --max-connections-per-ip, --max-connections-per-user, or the quota connection_creation_rate).",
  },
  BROKER_OVERLOADED: {
    wire: 1008,
    retriable: true,
    help: "Send requests without pauses inside them and read the answers; or raise --max-inflight-bytes of the broker, or its limit on open files.",
  },
  CONNECTION_LOST: {
    wire: 1005,
    retriable: true,
    help: "Is the broker running?",
  },
  TIMED_OUT: {
    wire: 1006,
    retriable: true,
    help: "The broker did not answer in time.",
  },
  DATA_DIRECTORY_UNUSABLE: {
    wire: 1007,
    retriable: false,
    help: "docs/STORAGE.md says what to do when the broker refuses to start.",
  },
  UNSUPPORTED_COMPRESSION: {
    wire: 76,
    retriable: false,
    help: "Read the topic with a client that has the codec, or write it with none, gzip or zstd.",
  },
  UNKNOWN_SERVER_ERROR: {
    wire: 65535,
    retriable: false,
    help: "A bug of the broker: see its log, and report it.",
  },
} as const satisfies Record<string, ErrorKind>;

/** Name of an error of the table. */
export type ErrorName = keyof typeof ERRORS;

const NAME_BY_WIRE = new Map<number, ErrorName>(
  Object.entries(ERRORS).map(([name, kind]) => [kind.wire, name as ErrorName]),
);

/** The project's only error class: what went wrong (`code`), and where (`message`). */
export class RustLogError extends Error {
  override readonly name = "RustLogError";
  /** The row of the table of errors. */
  readonly code: ErrorName;
  readonly #help: string | undefined;

  /** `help` replaces the table's text where more can be said. */
  constructor(
    code: ErrorName,
    message: string,
    options?: ErrorOptions & { readonly help?: string },
  ) {
    super(message, options);
    this.code = code;
    this.#help = options?.help;
  }

  /** Whether the same request, sent again unchanged, may succeed. */
  get retriable(): boolean {
    return ERRORS[this.code].retriable;
  }

  /** What to do next, for the person who sees the error. */
  get help(): string {
    return this.#help ?? ERRORS[this.code].help;
  }

  /** The number of this error in a response. */
  get wire(): number {
    return ERRORS[this.code].wire;
  }
}

/** The error for a response's number and message. For an unknown number, the message includes it. */
export function errorFromWire(wire: number, message: string): RustLogError {
  const name = NAME_BY_WIRE.get(wire);
  return name === undefined
    ? new RustLogError("UNKNOWN_SERVER_ERROR", `error ${wire}: ${message}`)
    : new RustLogError(name, message);
}
