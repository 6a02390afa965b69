// A topic with an offline partition: the others are read, and the error names it.
import { expect, test } from "bun:test";
import { connect, RustLogError } from "../../src/index.js";
import { startBroker } from "../support/broker.js";
import { makeOfflinePartition } from "../support/offline.js";
import { withTempDir } from "../support/tmp.js";

test("a consumer reads the other partitions, then throws; one that follows throws immediately", () =>
  withTempDir(async (dataDir) => {
    await makeOfflinePartition(dataDir);
    await using running = await startBroker({ dataDir });
    await using client = await connect({ broker: running.broker.address });
    const seen: string[] = [];
    const read = async (follow: boolean): Promise<unknown> => {
      await using consumer = client.consumer({ topic: "t", follow });
      for await (const { partition, offset } of consumer) seen.push(`${partition}/${offset}`);
      return "no error";
    };
    const errors: unknown[] = [];
    for (const follow of [false, true]) errors.push(await read(follow).catch((error) => error));
    errors.push(
      await client
        .admin()
        .offsetFor("t", 0, "latest")
        .catch((error) => error),
    );
    for (const error of errors) {
      expect(error).toBeInstanceOf(RustLogError);
      expect(error).toMatchObject({ code: "STORAGE_ERROR" });
      expect(String(error)).toContain("topic 't', partition 0 is offline: ");
    }
    expect(seen).toEqual(["1/0"]);
    expect(await client.admin().offsetFor("t", 1, "latest")).toBe(1);
  }));
