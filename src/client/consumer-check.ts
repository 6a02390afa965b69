// Checks the options of a new consumer. Leaves to others: their meaning (consumer, consumer-plan).

import { RustLogError } from "../errors.js";
import {
  checkArray,
  checkCallback,
  checkChoice,
  checkNatural,
  checkObject,
  checkString,
} from "./argument-check.js";
import type { ConsumerOptions } from "./consumer.js";
import { checkOffsetSpec } from "./offset-spec.js";
import { inRange } from "./option-check.js";
import { CLIENT_WAIT_MS_MAX } from "../limits.js";

/** Throws INVALID_TOPIC, INVALID_GROUP or INVALID_CONFIG, naming the option. */
export function checkConsumerOptions(options: ConsumerOptions): void {
  checkObject("INVALID_CONFIG", "the options of a consumer", options);
  checkString("INVALID_TOPIC", "topic of a consumer", options.topic);
  const { group, partitions, offset, end } = options;
  if (group !== undefined) checkString("INVALID_GROUP", "group of a consumer", group);
  if (partitions !== undefined) {
    checkArray("INVALID_CONFIG", "partitions of a consumer", partitions);
    for (const item of partitions)
      checkNatural("INVALID_CONFIG", "a partition of a consumer", item);
  }
  checkSpecs("offset", offset);
  checkSpecs("end", end);
  checkChoice("onOutOfRange", options.onOutOfRange, ["error", "earliest", "latest"]);
  checkChoice("onDamaged", options.onDamaged, ["throw", "skip"]);
  checkCallback("onSkip", options.onSkip);
  checkCallback("onTopicChanged", options.onTopicChanged);
  for (const name of ["maxBytes", "minBytes", "maxWaitMs", "bufferBytesMax"] as const) {
    const value = options[name];
    if (value === undefined || (Number.isInteger(value) && value >= 1)) continue;
    throw new RustLogError("INVALID_CONFIG", `${name} is a whole number from 1 on, not ${value}`);
  }
  inRange("maxWaitMs", options.maxWaitMs ?? 1, 1, CLIENT_WAIT_MS_MAX);
  inRange("retryTimeoutMs", options.retryTimeoutMs ?? 0, 0);
}

function checkSpecs(name: string, specs: ConsumerOptions["offset"]): void {
  if (specs === undefined) return;
  if (!(specs instanceof Map)) {
    checkOffsetSpec(`${name} of a consumer`, specs);
    return;
  }
  for (const [partition, spec] of specs) {
    checkNatural("INVALID_CONFIG", `a partition in ${name} of a consumer`, partition);
    checkOffsetSpec(`${name} of partition ${partition} of a consumer`, spec);
  }
}
