// Our own client library as a `TestedClient` that writes and reads, over the native protocol.
import type { Client } from "../../src/index.js";
import { Absent, type ReadRecord, type TestedClient } from "./client.js";

/** A client of the library, closed with the one returned. */
export function libraryClient(client: Client): TestedClient {
  const absent = async (): Promise<never> => {
    throw new Absent();
  };
  return {
    version: absent,
    create: absent,
    partitions: absent,
    addPartitions: absent,
    delete: absent,
    produce: async (topic, records, { codec = "none" } = {}) => {
      const producer = client.producer({ compression: codec });
      const sent = await Promise.all(records.map((record) => producer.send(topic, record)));
      await producer.close();
      return sent.map(({ offset }) => offset);
    },
    consume: async (topic, partition, from, count) => {
      if (from === "latest") return await absent();
      const consumer = client.consumer({ topic, partitions: [partition], offset: from });
      const records: ReadRecord[] = [];
      for await (const { offset, timestamp, key, value, headers } of consumer) {
        records.push({
          ...{ partition, offset, timestamp, key: copy(key), value: copy(value) },
          headers: headers.map(({ name, value: content }) => ({ name, value: copy(content) })),
        });
        if (records.length === count) break;
      }
      return records;
    },
    offset: absent,
    configs: absent,
    setConfig: absent,
    deleteRecords: absent,
    brokers: absent,
    close: () => client.close(),
  };
}

function copy(bytes: Uint8Array | null): Buffer | null {
  return bytes === null ? null : Buffer.from(bytes);
}
