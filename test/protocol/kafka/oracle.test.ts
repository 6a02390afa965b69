// Asks a broker everything that Apache Kafka 4.4.0 was asked, in order over real connections, and compares the answers.
// Leaves to others: the questions (oracle.ts), asking (ask.ts), and the differences that are meant (oracle-differences.ts).
import { expect, test } from "bun:test";
import { kafkaApiName } from "../../../src/protocol/kafka/apis.js";
import { askAll } from "./ask.js";
import { isMeant, NOT_ADVERTISED, unused } from "./oracle-differences.js";

/** It takes a second, and more on a busy machine: a thousand questions, one after the other. */
const TIMEOUT_MS = 30_000;

test(
  "every answer is Apache Kafka's, or differs for a reason",
  async () => {
    const lines = await askAll();
    expect(lines.filter((line) => !isMeant(line))).toEqual([]);
    expect(unused(lines)).toEqual([]);
  },
  TIMEOUT_MS,
);

test("the APIs that are listed as not advertised are not", () => {
  expect(NOT_ADVERTISED.filter((key) => kafkaApiName(key) !== undefined)).toEqual([]);
});
