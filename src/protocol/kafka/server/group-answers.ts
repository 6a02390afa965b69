// Answers about groups: the codes that members understand, and requests that wait for other members.
import { RustLogError } from "../../../errors.js";
import type { Wait } from "../../../net/inflight.js";
import { CODE, kafkaCode } from "../error-codes.js";
import type { Api, Fields, WriteOf } from "../schema.js";
import type { Call } from "./call.js";

/** Errors of the broker, and what makes a member look for the coordinator again. */
const MEMBER_CODE: Partial<Record<RustLogError["code"], number>> = {
  DISK_FULL: CODE.COORDINATOR_NOT_AVAILABLE,
  STORAGE_ERROR: CODE.COORDINATOR_NOT_AVAILABLE,
  MESSAGE_TOO_LARGE: CODE.COORDINATOR_NOT_AVAILABLE,
  BROKER_STOPPING: CODE.NOT_COORDINATOR,
};

export function groupCode(error: RustLogError): number {
  return MEMBER_CODE[error.code] ?? kafkaCode(error);
}

/** The code of what `work` throws; 0 if it throws nothing. */
export function codeOf(work: () => void): number {
  try {
    work();
    return CODE.NONE;
  } catch (error) {
    if (error instanceof RustLogError) return groupCode(error);
    throw error;
  }
}

/**
 * Begins a request that may have to wait for other members, and responds once. `begin` returns how to end its wait. A wait
 * ends without a response when the connection closes, and with `interrupted` when the broker stops.
 */
export function respondLater<Q extends Fields, R extends Fields>(
  call: Call,
  api: Api<Q, R>,
  interrupted: WriteOf<R>,
  begin: (respond: (response: WriteOf<R>) => void) => (() => void) | undefined,
): void {
  const { connection } = call;
  let isAnswered = false;
  let isSettled = false;
  let wait: Wait | undefined;
  const settle = (): boolean => {
    if (isSettled) return false;
    isSettled = true;
    if (wait !== undefined) connection.inflight.removeWait(wait);
    return true;
  };
  const respond = (response: WriteOf<R>): void => {
    if (isAnswered) return;
    isAnswered = true;
    // A rebalance answers all members of a group at once, which may be ten thousand.
    connection.turns.whenTime(() => {
      if (!settle()) return;
      try {
        call.respond(api, response);
      } catch (error) {
        call.fail(error);
      }
    });
  };
  const abandon = begin(respond);
  if (isSettled) return;
  wait = {
    finish: () => {
      abandon?.();
      respond(interrupted);
    },
    cancel: () => {
      abandon?.();
      if (settle()) call.drop();
    },
  };
  connection.inflight.addWait(wait);
  if (!connection.mayWait) wait.finish();
}
