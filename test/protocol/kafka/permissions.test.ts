// Asks our broker, as users with one kind of permission each, what Apache Kafka 4.4.0 was asked, and compares the answers.
// Leaves to others: the questions (permission-questions.ts), and the differences that are meant (permission-differences.ts).
import { expect, test } from "bun:test";
import { administratorAcls } from "../../../src/security/user-changes.js";
import { startBroker } from "../../support/broker.js";
import { Random } from "../../support/random.js";
import { SimulatedDisk } from "../../support/simulated-disk.js";
import { Comparison } from "./answers.js";
import { compare, KAFKA_DEFAULTS } from "./ask.js";
import { OracleConnection, readOracle, requestsOf } from "./oracle.js";
import { logIn } from "./oracle-login.js";
import { isMeant, unused } from "./permission-differences.js";
import { ADMIN, passwordOf, UNKNOWN, USERS } from "./permission-questions.js";
import { createCredential } from "../../support/credentials.js";
import { concat } from "../../support/bytes.js";

/** It takes a second, and more on a busy machine: hundreds of questions, one after the other. */
const TIMEOUT_MS = 30_000;

export async function askAll(): Promise<string[]> {
  const { recording, questions } = readOracle("permissions.jsonl");
  await using running = await startBroker(KAFKA_DEFAULTS, new SimulatedDisk(new Random(1)));
  const { broker, dataDir } = running;
  const names = [ADMIN, ...USERS.map(({ name }) => name)];
  const users = await Promise.all(
    names.map(async (name) => {
      const credential = await createCredential("SCRAM-SHA-256", passwordOf(name));
      return { name, credentials: { "SCRAM-SHA-256": credential } };
    }),
  );
  await broker.context.security.change(() => ({
    usersSet: users,
    aclsAdded: administratorAcls(ADMIN),
  }));
  const comparison = new Comparison(recording, { port: broker.port, dataDir });
  const kept = new Map<string, OracleConnection>();
  const lines: string[] = [];
  for (const question of questions) {
    const { user = UNKNOWN } = question;
    let connection = kept.get(user);
    if (connection === undefined || connection.isClosed) {
      connection = await OracleConnection.connect(broker.port);
      if (user !== UNKNOWN) await logIn(connection, user, passwordOf(user));
      kept.set(user, connection);
    }
    const changed = requestsOf(question).map((request) => comparison.request(request));
    const answer = await connection.ask(concat(changed));
    lines.push(...compare(comparison, question, answer).map((line) => `${question.name}: ${line}`));
    if (connection.isClosed) connection[Symbol.dispose]();
  }
  for (const connection of kept.values()) connection[Symbol.dispose]();
  return lines;
}

test(
  "every user is answered as by Apache Kafka, or differently for a reason",
  async () => {
    const lines = await askAll();
    expect(lines.filter((line) => !isMeant(line))).toEqual([]);
    expect(unused(lines)).toEqual([]);
  },
  TIMEOUT_MS,
);
