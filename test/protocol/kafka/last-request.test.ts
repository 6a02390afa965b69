// The last request of a connection is not decoded again if it is repeated.
import { expect, test } from "bun:test";
import { ConsumerGroupHeartbeat } from "../../../src/protocol/kafka/consumer-groups.js";
import { Heartbeat } from "../../../src/protocol/kafka/groups.js";
import { encodeRequest } from "../../../src/protocol/kafka/headers.js";
import { LastRequest } from "../../../src/protocol/kafka/server/last-request.js";

const MEMBER = { groupId: "g", generationId: 3, memberId: "member-1" };

/** The payload of a heartbeat. */
function heartbeat(more: Partial<typeof MEMBER> = {}, correlationId = 1, apiVersion = 4) {
  const header = { apiVersion, correlationId, clientId: "c" };
  return encodeRequest(Heartbeat, header, { ...MEMBER, ...more }).subarray(4);
}

test("a request that is repeated is decoded once, whatever its correlation id", () => {
  const last = new LastRequest();
  expect(last.get([heartbeat({}, 1)], () => "first")).toBe("first");
  expect(last.get([heartbeat({}, 2)], () => "second")).toBe("first");
  expect(last.get([heartbeat({}, 0x01020304)], () => "third")).toBe("first");
});

test("any other difference is decoded", () => {
  const others = [
    heartbeat({ groupId: "h" }),
    heartbeat({ generationId: 4 }),
    heartbeat({ memberId: "member-2" }),
    heartbeat({ memberId: "member-11" }),
    heartbeat({}, 1, 3),
    encodeRequest(Heartbeat, { apiVersion: 4, correlationId: 1, clientId: "d" }, MEMBER).subarray(
      4,
    ),
  ];
  for (const other of others) {
    const last = new LastRequest();
    last.get([heartbeat()], () => "first");
    expect(last.get([other], () => "other")).toBe("other");
    expect(last.get([heartbeat()], () => "again")).toBe("again");
  }
  const [sameBytes, otherApi] = [heartbeat(), heartbeat()];
  otherApi[1] = ConsumerGroupHeartbeat.key;
  const last = new LastRequest();
  last.get([sameBytes], () => "first");
  expect(last.get([otherApi], () => "other")).toBe("other");
});

test("the bytes of the last request may change afterwards", () => {
  const last = new LastRequest();
  const bytes = Buffer.from(heartbeat());
  last.get([bytes], () => "first");
  bytes.fill(0);
  expect(last.get([bytes], () => "second")).toBe("second");
});

test("a request that fails to decode, or that is long or in pieces, is not remembered", () => {
  const last = new LastRequest();
  const bytes = heartbeat();
  const fail = (): string => {
    throw new Error("malformed");
  };
  for (let i = 0; i < 2; i++) expect(() => last.get([bytes], fail)).toThrow("malformed");
  const long = new Uint8Array(513);
  last.get([long], () => "first");
  expect(last.get([long], () => "second")).toBe("second");
  const pieces = [bytes.subarray(0, 10), bytes.subarray(10)] as const;
  last.get([...pieces], () => "first");
  expect(last.get([...pieces], () => "second")).toBe("second");
});
