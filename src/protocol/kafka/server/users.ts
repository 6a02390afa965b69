// DescribeUserScramCredentials and AlterUserScramCredentials.
// Leaves to others: the users (services/users.ts).
import { RustLogError } from "../../../errors.js";
import type { ScramMechanism } from "../../../security/scram.js";
import type { ServiceContext } from "../../../services/context.js";
import type { CredentialChange } from "../../../security/user-changes.js";
import { changeCredentials, describeUsers, type UserDescription } from "../../../services/users.js";
import type { AlterUserScramCredentials, DescribeUserScramCredentials } from "../access.js";
import { CODE, kafkaCode } from "../error-codes.js";
import type { RequestOf, ResponseOf } from "../schema.js";

/** Kafka's numbers (org.apache.kafka.clients.admin.ScramMechanism). */
const MECHANISMS: ReadonlyMap<number, ScramMechanism> = new Map([
  [1, "SCRAM-SHA-256"],
  [2, "SCRAM-SHA-512"],
]);

const NUMBERS: ReadonlyMap<string, number> = new Map(
  [...MECHANISMS].map(([number, name]) => [name, number]),
);

type Described = ResponseOf<typeof DescribeUserScramCredentials>;
type Row = Described["results"][number];

export function describeUserScramCredentials(
  context: ServiceContext,
  { users }: RequestOf<typeof DescribeUserScramCredentials>,
): Described {
  try {
    const isAll = users === null || users.length === 0;
    const names = isAll
      ? describeUsers(context).map(({ name }) => name)
      : users.map(({ name }) => name);
    const counts = countsOf(names);
    const different = [...counts.keys()];
    const found = describeUsers(context, different);
    const results = different.map((name, i) =>
      counts.get(name) === 1 ? rowOf(name, found[i]) : repeatedRow(name),
    );
    return { errorCode: CODE.NONE, errorMessage: "", results };
  } catch (error) {
    if (!(error instanceof RustLogError)) throw error;
    return { errorCode: kafkaCode(error), errorMessage: error.message, results: [] };
  }
}

/** How often each of these occurs, in the order of the first of each. */
function countsOf(texts: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}

function rowOf(user: string, found: UserDescription | undefined): Row {
  if (found === undefined) {
    const errorMessage = `Attempt to describe a user credential that does not exist: ${user.slice(0, 100)}`;
    return { user, errorCode: CODE.RESOURCE_NOT_FOUND, errorMessage, credentialInfos: [] };
  }
  const credentialInfos = found.mechanisms.map(({ mechanism, iterations }) => ({
    ...{ mechanism: NUMBERS.get(mechanism) ?? 0, iterations },
  }));
  return { user, errorCode: CODE.NONE, errorMessage: null, credentialInfos };
}

function repeatedRow(user: string): Row {
  const errorMessage = `Cannot describe SCRAM credentials for the same user twice in a single request: ${user.slice(0, 100)}`;
  return { user, errorCode: CODE.DUPLICATE_RESOURCE, errorMessage, credentialInfos: [] };
}

type AlterRequest = RequestOf<typeof AlterUserScramCredentials>;

export async function alterUserScramCredentials(
  context: ServiceContext,
  request: AlterRequest,
): Promise<ResponseOf<typeof AlterUserScramCredentials>> {
  const rows = [
    ...request.deletions.map((row) => ({ ...row, salted: undefined })),
    ...request.upsertions.map((row) => ({ ...row, salted: row })),
  ];
  const places = rows.map(({ name, mechanism }) => `${mechanism} ${name}`);
  const counts = countsOf(places);
  const changes = rows.map((row, i) => {
    // Which of them counts is not clear.
    if (counts.get(places[i]!) !== 1) return repeatedChange();
    return changeOf(row, row.salted);
  });
  const valid = changes.filter(
    (change): change is CredentialChange => !(change instanceof RustLogError),
  );
  const outcomes = (await changeCredentials(context, valid)).values();
  const errors = new Map<string, RustLogError | undefined>();
  for (const [i, change] of changes.entries()) {
    const outcome = change instanceof RustLogError ? change : outcomes.next().value;
    const { name } = rows[i]!;
    errors.set(name, errors.get(name) ?? outcome);
  }
  const results = [...errors].map(([user, error]) => ({
    user,
    errorCode: error === undefined ? CODE.NONE : kafkaCode(error),
    errorMessage: error?.message ?? null,
  }));
  return { results };
}

function repeatedChange(): RustLogError {
  const message = "A user credential cannot be altered twice in the same request";
  return new RustLogError("INVALID_REQUEST", message);
}

function changeOf(
  { name: user, mechanism: number }: AlterRequest["deletions"][number],
  salted: CredentialChange["salted"],
): CredentialChange | RustLogError {
  const mechanism = MECHANISMS.get(number);
  if (mechanism === undefined) {
    return new RustLogError("UNSUPPORTED_SASL_MECHANISM", "Unknown SCRAM mechanism");
  }
  return { user, mechanism, salted };
}
