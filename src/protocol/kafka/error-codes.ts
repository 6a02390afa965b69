// Error codes of Kafka's protocol. Most errors of this broker have Kafka's numbers anyway (src/errors.ts).
// https://kafka.apache.org/protocol.html#protocol_error_codes
import { ERRORS, type ErrorName, type RustLogError } from "../../errors.js";

/** The codes that the handlers name. */
export const CODE = {
  NONE: 0,
  OFFSET_OUT_OF_RANGE: ERRORS.OFFSET_OUT_OF_RANGE.wire,
  UNKNOWN_TOPIC_OR_PARTITION: ERRORS.UNKNOWN_TOPIC_OR_PARTITION.wire,
  LEADER_NOT_AVAILABLE: 5,
  COORDINATOR_NOT_AVAILABLE: ERRORS.COORDINATOR_NOT_AVAILABLE.wire,
  NOT_COORDINATOR: ERRORS.NOT_COORDINATOR.wire,
  INVALID_TOPIC: ERRORS.INVALID_TOPIC.wire,
  INVALID_REQUIRED_ACKS: 21,
  ILLEGAL_GENERATION: ERRORS.ILLEGAL_GENERATION.wire,
  INCONSISTENT_GROUP_PROTOCOL: ERRORS.INCONSISTENT_GROUP_PROTOCOL.wire,
  TOPIC_AUTHORIZATION_FAILED: ERRORS.TOPIC_AUTHORIZATION_FAILED.wire,
  CLUSTER_AUTHORIZATION_FAILED: ERRORS.CLUSTER_AUTHORIZATION_FAILED.wire,
  UNSUPPORTED_VERSION: ERRORS.UNSUPPORTED_VERSION.wire,
  TOPIC_ALREADY_EXISTS: ERRORS.TOPIC_ALREADY_EXISTS.wire,
  INVALID_PARTITIONS: ERRORS.INVALID_PARTITIONS.wire,
  INVALID_REPLICATION_FACTOR: 38,
  INVALID_REPLICA_ASSIGNMENT: 39,
  INVALID_CONFIG: ERRORS.INVALID_CONFIG.wire,
  INVALID_REQUEST: ERRORS.INVALID_REQUEST.wire,
  POLICY_VIOLATION: ERRORS.POLICY_VIOLATION.wire,
  INVALID_TXN_STATE: 48,
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: ERRORS.TRANSACTIONAL_ID_AUTHORIZATION_FAILED.wire,
  SECURITY_DISABLED: ERRORS.SECURITY_DISABLED.wire,
  FETCH_SESSION_ID_NOT_FOUND: 70,
  FENCED_LEADER_EPOCH: 74,
  UNKNOWN_LEADER_EPOCH: 75,
  UNSUPPORTED_COMPRESSION: ERRORS.UNSUPPORTED_COMPRESSION.wire,
  ELIGIBLE_LEADERS_NOT_AVAILABLE: 83,
  ELECTION_NOT_NEEDED: 84,
  NO_REASSIGNMENT_IN_PROGRESS: 85,
  INVALID_RECORD: ERRORS.INVALID_RECORD.wire,
  RESOURCE_NOT_FOUND: ERRORS.RESOURCE_NOT_FOUND.wire,
  DUPLICATE_RESOURCE: 92,
  UNKNOWN_TOPIC_ID: ERRORS.UNKNOWN_TOPIC_ID.wire,
  STALE_MEMBER_EPOCH: 113,
  MISMATCHED_ENDPOINT_TYPE: 114,
  UNSUPPORTED_ENDPOINT_TYPE: 115,
  TRANSACTION_ABORTABLE: 120,
  REBOOTSTRAP_REQUIRED: 129,
} as const;

/** Names by the lowest eight bits of a code, for the metrics; one without a name is its number. */
export const ERROR_LABELS: readonly string[] = errorNames();

function errorNames(): string[] {
  const names = Array.from({ length: 256 }, (_, code) => String(code));
  for (const [name, { wire }] of Object.entries(ERRORS)) if (wire < 256) names[wire] = name;
  for (const [name, code] of Object.entries(CODE)) names[code] = name;
  names[255] = "UNKNOWN_SERVER_ERROR"; // -1
  return names;
}

/** Our own errors, above Kafka's range, and what a Kafka client can make of them. */
const KAFKA_CODE: Partial<Record<ErrorName, number>> = {
  DISK_FULL: ERRORS.STORAGE_ERROR.wire,
  // Like every broker that is going away, so that the client looks for the leader again.
  BROKER_STOPPING: 6,
  TIMED_OUT: 7,
  FRAME_TOO_LARGE: ERRORS.MESSAGE_TOO_LARGE.wire,
  UNKNOWN_SERVER_ERROR: -1,
};

/** The code of an error for a Kafka client. */
export function kafkaCode({ code, wire }: RustLogError): number {
  return KAFKA_CODE[code] ?? (wire < 1000 ? wire : -1);
}

/**
 * The code of an error of a group's coordinator. For what is no fault of the client it is one after which clients look for
 * the coordinator again, and then repeat the request.
 */
export function coordinatorCode(error: RustLogError): number {
  switch (error.code) {
    case "DISK_FULL":
      return CODE.COORDINATOR_NOT_AVAILABLE;
    case "STORAGE_ERROR":
    case "BROKER_STOPPING":
      return CODE.NOT_COORDINATOR;
    default:
      return kafkaCode(error);
  }
}
