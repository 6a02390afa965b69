// Requests of which each item costs more than its bytes have a limit of their own.
import { expect, test } from "bun:test";
import { ACLS_CHANGED_MAX, CREDENTIALS_CHANGED_MAX } from "../../../src/limits.js";
import { KAFKA_APIS } from "../../../src/protocol/kafka/apis.js";
import { SaslAuthenticate, SaslHandshake } from "../../../src/protocol/kafka/sasl.js";
import { startBroker } from "../../support/broker.js";
import { KafkaClient } from "../../support/kafka-client.js";
import { createCredential } from "../../support/credentials.js";

test("a request to change users or rules names no more than a limit", async () => {
  await using running = await startBroker();
  const credentials = { "SCRAM-SHA-256": await createCredential("SCRAM-SHA-256", "s3cret") };
  const { security } = running.broker.context;
  await security.change(() => ({ usersSet: [{ name: "ann", credentials }] }));
  const logIn = async (): Promise<KafkaClient> => {
    const client = await KafkaClient.connect(running.broker.port);
    await client.call(SaslHandshake, 1, { mechanism: "PLAIN" });
    const authBytes = Buffer.from("\0ann\0s3cret");
    expect(await client.call(SaslAuthenticate, 2, { authBytes })).toMatchObject({ errorCode: 0 });
    return client;
  };
  const { AlterUserScramCredentials, DeleteAcls } = KAFKA_APIS;
  const deletions = (count: number) => ({
    upsertions: [],
    deletions: Array.from({ length: count }, (_, i) => ({ name: `u${i >>> 1}`, mechanism: 1 })),
  });
  {
    using client = await logIn();
    const most = deletions(CREDENTIALS_CHANGED_MAX);
    const { results } = await client.call(AlterUserScramCredentials, 0, most);
    // Each user is named twice.
    expect(results).toHaveLength(CREDENTIALS_CHANGED_MAX / 2);
    expect(new Set(results.map(({ errorMessage }) => errorMessage))).toEqual(
      new Set(["A user credential cannot be altered twice in the same request"]),
    );
    const more = deletions(CREDENTIALS_CHANGED_MAX + 1);
    await expect(client.call(AlterUserScramCredentials, 0, more)).rejects.toThrow("ended");
  }
  using client = await logIn();
  const any = {
    ...{ resourceTypeFilter: 1, resourceNameFilter: null, patternTypeFilter: 1 },
    ...{ principalFilter: null, hostFilter: null, operation: 1, permissionType: 1 },
  };
  const filters = new Array<typeof any>(ACLS_CHANGED_MAX + 1).fill(any);
  await expect(client.call(DeleteAcls, 3, { filters })).rejects.toThrow("ended");
});
