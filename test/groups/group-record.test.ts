// The records of groups: their layout, and the table of the newest ones.
// Leaves to others: writing and compacting them (offset-store.test.ts).
import { describe, expect, test } from "bun:test";
import {
  decodeGroupRecord,
  encodeGroupKey,
  encodeGroupRecord,
  type GroupRecord,
  groupOfKey,
} from "../../src/groups/group-record.js";
import { GroupRecordTable } from "../../src/groups/group-record-table.js";
import { codeOf } from "../support/log-fixture.js";
import { Random } from "../support/random.js";

const RECORD: GroupRecord = {
  ...{ protocolType: "consumer", generation: 7, protocol: "range", leader: "a-1" },
  currentStateTimestamp: 1_700_000_000_000,
  members: [
    {
      ...{ memberId: "a-1", instanceId: null, clientId: "ä", clientHost: "/::1" },
      ...{ rebalanceTimeoutMs: 30_000, sessionTimeoutMs: 10_000 },
      ...{ metadata: Uint8Array.of(1, 2), assignment: Uint8Array.of(3) },
    },
    {
      ...{ memberId: "b-2", instanceId: "b", clientId: "", clientHost: "/127.0.0.1" },
      ...{ rebalanceTimeoutMs: 1, sessionTimeoutMs: 2 },
      ...{ metadata: new Uint8Array(), assignment: new Uint8Array() },
    },
  ],
};

describe("the record of a classic group", () => {
  test("is Kafka's", () => {
    const short = { ...RECORD, members: RECORD.members.slice(0, 1) };
    expect(Buffer.from(encodeGroupKey("g")).toString("hex")).toBe("0002000167");
    expect(Buffer.from(encodeGroupRecord(short)).toString("hex")).toBe(
      [
        ...["0003", "0008636f6e73756d6572", "00000007", "000572616e6765", "0003612d31"],
        ...["0000018bcfe56800", "00000001", "0003612d31", "ffff", "0002c3a4", "00042f3a3a31"],
        ...["00007530", "00002710", "000000020102", "0000000103"],
      ].join(""),
    );
  });

  test("is decoded as it was encoded, and refused if it is cut off", async () => {
    const bytes = encodeGroupRecord(RECORD);
    expect(decodeGroupRecord(bytes)).toEqual(RECORD);
    for (let end = 0; end < bytes.length; end++) {
      expect(await codeOf(() => decodeGroupRecord(bytes.subarray(0, end)))).toBe("CORRUPT_MESSAGE");
    }
    const longer = Uint8Array.of(...bytes, 0);
    expect(await codeOf(() => decodeGroupRecord(longer))).toBe("CORRUPT_MESSAGE");
    expect(await codeOf(() => groupOfKey(Uint8Array.of(0, 2, 0, 9, 1)))).toBe("CORRUPT_MESSAGE");
  });
});

test("the table has the newest value of each key, however many a group has", () => {
  const random = new Random(1);
  const table = new GroupRecordTable();
  const expected = new Map<string, string>();
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
  for (let i = 0; i < 3_000; i++) {
    const group = random.pick(["", "g", "h", "ä€"]);
    const plainKey = encodeGroupKey(group, random.pick([2, 3, 200, 999]));
    const key = random.chance(0.5) ? plainKey : Uint8Array.of(...plainKey, random.below(3));
    const value = random.chance(0.5) ? null : random.bytes(random.below(5));
    table.apply([key, value]);
    if (value === null) expected.delete(hex(key));
    else expected.set(hex(key), hex(value));
    const now = table.get(group, key);
    expect(now === undefined ? null : hex(now)).toBe(value === null ? null : hex(value));
    const groups = new Set(
      [...expected.keys()].map((each) => groupOfKey(Buffer.from(each, "hex"))),
    );
    expect(new Set(table.groups())).toEqual(groups);
  }
  const groups = [...table.groups()];
  const all = groups
    .flatMap((group) => [...table.of(group)])
    .map(([key, value]) => [hex(key), hex(value)] as const);
  expect(new Map(all)).toEqual(expected);
  expect(all.length).toBe(expected.size);
});

test("records that are deleted, or change, while they are listed are listed as they are then", () => {
  const [metadata, epoch] = [encodeGroupKey("g", 3), encodeGroupKey("g", 6)];
  const tableOf = (): GroupRecordTable => {
    const table = new GroupRecordTable();
    table.apply([metadata, Uint8Array.of(1)]);
    table.apply([epoch, Uint8Array.of(1)]);
    return table;
  };
  const deleted = tableOf();
  const left = deleted.of("g");
  left.next();
  deleted.apply([metadata, null]);
  deleted.apply([epoch, null]);
  expect([...left]).toEqual([]);

  const changed = tableOf();
  const rest = changed.of("g");
  rest.next();
  changed.apply([metadata, null]);
  changed.apply([epoch, Uint8Array.of(2)]);
  expect([...rest]).toEqual([[Buffer.from(epoch), Buffer.of(2)]]);
});
