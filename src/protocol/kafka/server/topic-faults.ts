// What is wrong with a topic in a request, with the codes and the texts of Kafka, on which tools and people rely.
// Leaves to others: the checks that every protocol needs (services/).
import type { RustLogError } from "../../../errors.js";
import { TOPIC_NAME_LENGTH_MAX } from "../../../limits.js";
import { CODE, kafkaCode } from "../error-codes.js";
import { NODE_ID } from "./cluster-of-one.js";

export interface Fault {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

export function faultOf(error: RustLogError, errorMessage: string | null = error.message): Fault {
  return { errorCode: kafkaCode(error), errorMessage };
}

export function invalidRequest(errorMessage: string): Fault {
  return { errorCode: CODE.INVALID_REQUEST, errorMessage };
}

export function policyViolation(errorMessage: string): Fault {
  return { errorCode: CODE.POLICY_VIOLATION, errorMessage };
}

/** The names that are there more than once. Kafka acts on none of them. */
export function repeated(names: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const again = new Set<string>();
  for (const name of names) (seen.has(name) ? again : seen).add(name);
  return again;
}

/** Longest part of a client's text in a message: a text in old versions has at most 32,767 bytes. */
const ECHOED_LENGTH_MAX = 1_000;

/** A client's text for a message. */
export function shown(text: string): string {
  return text.length > ECHOED_LENGTH_MAX ? `${text.slice(0, ECHOED_LENGTH_MAX)}…` : text;
}

export function topicNameFault(name: string): Fault | undefined {
  let why: string | undefined;
  if (name === "") why = "the empty string is not allowed";
  else if (name === "." || name === "..") why = `'${name}' is not allowed`;
  else if (name.length > TOPIC_NAME_LENGTH_MAX) {
    why = `the length of '${shown(name)}' is longer than the max allowed length ${TOPIC_NAME_LENGTH_MAX}`;
  } else if (!/^[a-zA-Z0-9._-]+$/.test(name)) {
    why = `'${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`;
  }
  if (why === undefined) return undefined;
  return { errorCode: CODE.INVALID_TOPIC, errorMessage: `Topic name is invalid: ${why}` };
}

/** Why a partition can't be assigned to these brokers; undefined if it is this broker alone. */
export function brokersFault(brokerIds: readonly number[]): Fault | undefined {
  if (brokerIds.length === 0) {
    return assignmentFault("The manual partition assignment includes an empty replica list.");
  }
  const unknown = brokerIds.find((id) => id !== NODE_ID);
  if (unknown !== undefined) {
    return assignmentFault(
      `The manual partition assignment includes broker ${unknown}, but no such broker is registered.`,
    );
  }
  if (brokerIds.length === 1) return undefined;
  return assignmentFault(
    `The manual partition assignment includes the broker ${NODE_ID} more than once.`,
  );
}

export function assignmentFault(errorMessage: string): Fault {
  return { errorCode: CODE.INVALID_REPLICA_ASSIGNMENT, errorMessage };
}
