import { expect, test } from "bun:test";
import { BrokerMetrics } from "../../src/broker/metrics.js";
import { Client } from "../../src/net/client.js";
import type { DialectConnection } from "../../src/net/dialect.js";
import { InflightBudget } from "../../src/net/inflight.js";
import { InflightRequest, type RequestOwner } from "../../src/net/inflight-request.js";
import { Outbox } from "../../src/net/outbox.js";
import { Turns } from "../../src/net/turns.js";
import { pageAfter } from "../../src/protocol/native/page.js";
import { NativeDialect } from "../../src/protocol/native/server/dialect.js";
import { Router } from "../../src/protocol/native/server/router.js";
import { EVERYONE } from "../../src/security/caller.js";
import { Quotas } from "../../src/security/quotas.js";
import { Security } from "../../src/security/security.js";
import type { ServiceContext } from "../../src/services/context.js";
import { DeleteTopic, ListTopics } from "../../src/protocol/native/topics.js";
import { errorOf } from "../support/broker.js";

test("a bug in a handler is answered without its details, and logged with them", async () => {
  const lines: string[] = [];
  const answers: Uint8Array[] = [];
  const owner: RequestOwner = {
    inflight: new InflightBudget(1000).open(
      { pauseReading() {}, resumeReading() {}, giveUp() {} },
      new Outbox({ write: () => 0 }),
      { frameBytesMax: 1000, connectionBytesMax: 1000, connectionRequestsMax: 10 },
    ),
    settled: (_request, head) => answers.push(head.subarray(4)),
    inputFreed() {},
    log() {},
  };
  const connection: DialectConnection = {
    advertised: { host: "127.0.0.1", port: 9092 },
    isTls: false,
    client: new Client({ remoteAddress: "127.0.0.1", remotePort: 1 }),
    frameBytesMax: 1000,
    mayWait: true,
    inflight: owner.inflight,
    turns: new Turns(),
    isGone: false,
    log: (_kind, line) => lines.push(line),
    close() {},
    mute() {},
  };
  const broken = {
    ...{ security: new Security(), quotas: new Quotas() },
    caller: EVERYONE,
    registry: {
      list(): never {
        throw new TypeError("secret detail");
      },
      find: () => undefined,
      delete: () => Promise.reject(new TypeError("later detail")),
    },
  };
  const router = new Router(broken as unknown as ServiceContext);
  const session = new NativeDialect(router, new BrokerMetrics()).open(connection);
  for (const frame of [
    ListTopics.encodeRequest(1, pageAfter()),
    DeleteTopic.encodeRequest(2, { topic: "t" }),
  ]) {
    session.take(new InflightRequest(owner, 0, 0), [frame.subarray(4)]);
  }
  await router.idle();
  expect(answers.map(errorOf)).toEqual([
    "UNKNOWN_SERVER_ERROR: the broker failed to handle the request; its log says more",
    "UNKNOWN_SERVER_ERROR: the broker failed to handle the request; its log says more",
  ]);
  expect(lines[0]).toContain("secret detail");
  expect(lines[1]).toContain("later detail");
});
