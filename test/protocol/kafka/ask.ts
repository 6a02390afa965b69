// Asks a broker everything that Apache Kafka 4.4.0 was asked, in order over real connections, and lists what differs.
// Leaves to others: the questions (oracle.ts), and what must be equal (answers.ts).
import { kafkaApiName } from "../../../src/protocol/kafka/apis.js";
import { readHeader } from "../../../src/protocol/kafka/headers.js";
import { startBroker } from "../../support/broker.js";
import { ManualClock } from "../../support/manual-clock.js";
import { Random } from "../../support/random.js";
import { SimulatedDisk } from "../../support/simulated-disk.js";
import { Comparison } from "./answers.js";
import { type Answer, OracleConnection, type Question, readOracle, requestsOf } from "./oracle.js";
import { NOT_ADVERTISED } from "./oracle-differences.js";
import { concat } from "../../support/bytes.js";

const { recording, questions } = readOracle();

/** Settings of the recorded broker where the defaults of ours differ. */
export const KAFKA_DEFAULTS = {
  defaultPartitions: 4,
  maxBatchBytes: 1_048_588,
  retentionMs: 7 * 86_400_000,
  segmentBytes: 1024 ** 3,
  strictReplicationFactor: true,
  groupInitialRebalanceDelayMs: 0,
  flush: { kind: "never" },
} as const;

/** All questions to our broker, and what differs, as `question: path: what differs`. */
export async function askAll(): Promise<string[]> {
  // No session ends and nobody is late, however long the questions take.
  const clock = new ManualClock();
  await using running = await startBroker(KAFKA_DEFAULTS, new SimulatedDisk(new Random(1)), clock);
  const { port } = running.broker;
  const comparison = new Comparison(recording, { port, dataDir: running.dataDir });
  const kept = new Map<number, OracleConnection>();
  const lines: string[] = [];
  for (const question of questions) {
    // Questions that had a connection of their own share one as long as it stays open.
    const { connection: number = -1 } = question;
    const before = kept.get(number);
    const connection = before?.isClosed === false ? before : await OracleConnection.connect(port);
    const requests = requestsOf(question);
    const changed = requests.map((request) => comparison.request(request));
    const answer = await connection.ask(requests.length === 0 ? question.request : concat(changed));
    lines.push(...compare(comparison, question, answer).map((line) => `${question.name}: ${line}`));
    if (connection.isClosed) connection[Symbol.dispose]();
    kept.set(number, connection);
  }
  for (const connection of kept.values()) connection[Symbol.dispose]();
  return lines;
}

/** What differs between the recorded answer and ours. */
export function compare(comparison: Comparison, question: Question, answer: Answer): string[] {
  const requests = requestsOf(question);
  const keys = requests.map((request) => (request.length < 8 ? -1 : readHeader(request).apiKey));
  const unserved = keys.find(
    (key) => kafkaApiName(key) === undefined && NOT_ADVERTISED.includes(key),
  );
  if (unserved !== undefined) return answer.isClosed ? [] : [`API ${unserved} is not closed`];
  const expected = question.end ?? `${question.responses.length} responses`;
  const actual = endOf(answer);
  if (expected !== actual) return [`Kafka ${expected}, RustLog ${actual}`];
  const lines = question.responses.flatMap((response, i) =>
    comparison.differences(requests[i]!, response, answer.payloads[i]!),
  );
  return lines.filter((line) => !isOfUnadvertisedApi(line));
}

function isOfUnadvertisedApi(line: string): boolean {
  const key = /^apiKeys\[(\d+)\]: only in Kafka's/.exec(line)?.[1];
  return key !== undefined && NOT_ADVERTISED.includes(Number(key));
}

function endOf({ payloads, bytes, isClosed }: Answer): string {
  if (payloads.length > 0) return `${payloads.length} responses${isClosed ? ", closed" : ""}`;
  if (bytes.length > 0 && isClosed) return "closed after other bytes";
  return isClosed ? "closed" : "silent";
}
