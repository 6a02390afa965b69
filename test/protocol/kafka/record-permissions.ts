// Asks an Apache Kafka the questions about permissions and prints what it answers, as permissions.jsonl:
// bun test/protocol/kafka/record-permissions.ts PORT LOG_DIRECTORY > test/protocol/kafka/permissions.jsonl
// Kafka has a listener SASL_PLAINTEXT with PLAIN, the users of permission-questions.ts with their passwords,
// authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer, super.users=User:admin, num.partitions=4.
// Leaves to others: the questions (permission-questions.ts), and comparing the answers with ours (permissions.test.ts).
import { KAFKA_APIS } from "../../../src/protocol/kafka/apis.js";
import { decodeResponse, readHeader } from "../../../src/protocol/kafka/headers.js";
import { apiOf } from "./answers.js";
import { OracleConnection } from "./oracle.js";
import { logIn } from "./oracle-login.js";
import {
  ADMIN,
  passwordOf,
  questionsOf,
  setupQuestions,
  UNKNOWN,
  type UnaskedQuestion,
  unknownQuestions,
  USERS,
} from "./permission-questions.js";

const port = Number(process.argv[2]);
const ids = new Map<string, string>();
const connections = new Map<string, OracleConnection>();
const recordedAt = Date.now();
print({
  about:
    "Requests of users with one kind of permission each, and the answers of Apache Kafka 4.4.0. Made by record-permissions.ts.",
  ...{ recordedAt, port, logDirectory: process.argv[3] ?? "", clusterId: "" },
});
await ask(setupQuestions());
for (const user of USERS) await ask(questionsOf(user));
await ask(unknownQuestions());
process.exit(0);

async function ask(questions: readonly UnaskedQuestion[]): Promise<void> {
  for (const { name, user, request } of questions) {
    const bytes = request((topic) => ids.get(topic)!);
    let { payloads, isClosed } = await (await connectionOf(user)).ask(bytes);
    while (isTooEarly(bytes, payloads[0])) {
      await Bun.sleep(100);
      ({ payloads, isClosed } = await (await connectionOf(user)).ask(bytes));
    }
    // A change holds for all parts of Kafka a moment after its answer.
    if (/Create|Alter|Delete/.test(name)) await Bun.sleep(50);
    const [payload] = payloads;
    if (user === ADMIN && name.includes("Metadata") && payload !== undefined) learn(payload);
    const response = payload === undefined ? undefined : hex(frame(payload));
    const end = isClosed ? "closed" : "silent";
    print({
      name,
      user,
      request: hex(bytes),
      ...(response === undefined ? { end } : { response }),
    });
  }
}

async function connectionOf(user: string): Promise<OracleConnection> {
  const before = connections.get(user);
  if (before?.isClosed === false) return before;
  const connection = await OracleConnection.connect(port);
  if (user !== UNKNOWN) await logIn(connection, user, passwordOf(user));
  connections.set(user, connection);
  return connection;
}

/** Whether Kafka has not got ready to coordinate groups and to give out producer ids yet. */
function isTooEarly(request: Uint8Array, payload: Uint8Array | undefined): boolean {
  if (payload === undefined) return false;
  const { apiKey, apiVersion } = readHeader(request.subarray(4));
  const { value } = decodeResponse(apiOf(apiKey)!, apiVersion, payload);
  return /"errorCode":1[456]\b/.test(JSON.stringify(value));
}

function learn(payload: Uint8Array): void {
  const { topics } = decodeResponse(KAFKA_APIS.Metadata, 12, payload).value;
  for (const { name, topicId } of topics) ids.set(name ?? "", topicId);
}

function frame(payload: Uint8Array): Uint8Array {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(payload.length);
  return Buffer.concat([head, payload]);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function print(line: object): void {
  console.log(JSON.stringify(line));
}
