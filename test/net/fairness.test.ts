// Connections that ask for much beside one that asks for little, on a server whose handlers the test has in its hands.
import { describe, expect, test } from "bun:test";
import { BrokerMetrics } from "../../src/broker/metrics.js";
import { UNSENT_BYTES_MAX } from "../../src/limits.js";
import { Connection } from "../../src/net/connection.js";
import { Mutes } from "../../src/net/mutes.js";
import { InflightBudget } from "../../src/net/inflight.js";
import { FLUSH_BYTES_MAX, Outbox } from "../../src/net/outbox.js";
import { Turns } from "../../src/net/turns.js";
import { API, encodeRequest, encodeResponse } from "../../src/protocol/native/messages.js";
import { NativeDialect } from "../../src/protocol/native/server/dialect.js";
import type { Exchange } from "../../src/protocol/native/server/exchange.js";
import { concat } from "../support/bytes.js";

const MiB = 1024 * 1024;

/** Requests in one chunk: DescribeTopic is a bulk one, Ping is not. */
function requests(api: "Ping" | "DescribeTopic", count: number): Uint8Array {
  return concat(Array.from({ length: count }, (_, i) => encodeRequest(API[api], i + 1, () => {})));
}

/** Connections on sockets that take `takes` bytes at a time, and a handler that answers with `answerBytes`. */
function simulate({
  takes,
  answerBytes,
  budget = new InflightBudget(512 * MiB),
}: {
  takes: number;
  answerBytes: number;
  budget?: InflightBudget;
}) {
  let calls: (() => void)[] = [];
  const turns = new Turns({
    mayBeginBulk: () => budget.mayBeginBulk,
    afterSockets: (call) => calls.push(call),
  });
  budget.onBulkMayBegin = () => turns.bulkMayBegin();
  const dispatched: string[] = [];
  const exchanges: Exchange[] = [];
  const metrics = new BrokerMetrics();
  const connect = (name: string, handle?: (exchange: Exchange) => void): Connection => {
    const dispatch = (exchange: Exchange): void => {
      dispatched.push(name);
      exchanges.push(exchange);
      if (handle !== undefined) handle(exchange);
      else {
        const body = new Uint8Array(answerBytes);
        exchange.answer(encodeResponse(exchange.correlationId, (writer) => writer.raw(body)));
      }
    };
    const conversation = {
      ...{ dispatch, user: undefined, throttle: undefined },
      isKnown: true,
      endReason: () => undefined,
    };
    const dispatcher = { open: () => conversation, idle: () => Promise.resolve() };
    return new Connection(
      {
        localAddress: "127.0.0.1",
        localPort: 9092,
        remoteAddress: "127.0.0.1",
        remotePort: 1,
        write: ({ length }) => Math.min(length, takes),
        pause() {},
        resume() {},
        shutdown() {},
        end() {},
        terminate() {},
      },
      {
        limits: {
          frameBytesMax: 10 * MiB,
          connectionBytesMax: 32 * MiB,
          connectionRequestsMax: 4096,
        },
        budget,
        turns,
        metrics,
        dialects: [new NativeDialect(dispatcher, metrics)],
        httpHint: "",
        isTls: false,
        tlsHint: () => "",
        becameKnown() {},
        mutes: new Mutes({ nowMs: () => 0, after: () => () => {} }),
        inputFreed() {},
        log() {},
      },
    );
  };
  return {
    connect,
    dispatched,
    exchanges,
    budget,
    turns,
    async loop(): Promise<boolean> {
      const due = calls;
      calls = [];
      for (const call of due) call();
      await Bun.sleep(0);
      return due.length > 0;
    },
  };
}

describe("unread answers", () => {
  test("prevent the dispatch of further requests: a connection costs an answer or two", async () => {
    const { connect, dispatched, loop } = simulate({ takes: 0, answerBytes: 120_000 });
    const connections = Array.from({ length: 20 }, (_, i) => connect(String(i)));
    for (const connection of connections) connection.received(requests("DescribeTopic", 1000));
    while (await loop());
    expect(dispatched.length).toBe(20 * Math.ceil(UNSENT_BYTES_MAX / 120_000));
  });

  test("are followed by more once the client reads again", async () => {
    const { connect, dispatched, loop } = simulate({ takes: 100_000, answerBytes: 200_000 });
    const connection = connect("slow");
    connection.received(requests("DescribeTopic", 10));
    for (let i = 0; i < 50; i++) {
      while (await loop());
      connection.drained();
    }
    expect(dispatched).toHaveLength(10);
  });
});

describe("bulk requests", () => {
  test("of many connections in one poll of the sockets wait for turns; a ping does not", async () => {
    const { connect, dispatched, turns, loop } = simulate({ takes: MiB, answerBytes: 10 });
    turns.spend(1_000); // as if one of them had taken long
    for (let i = 0; i < 300; i++) connect("bulk").received(requests("DescribeTopic", 3));
    connect("ping").received(requests("Ping", 1));
    expect(dispatched).toEqual(["ping"]);
    while (await loop());
    expect(dispatched).toHaveLength(901);
  });

  test("do not overtake their turn after a small request", async () => {
    const { connect, dispatched, turns } = simulate({ takes: MiB, answerBytes: 10 });
    turns.spend(1_000);
    const mixed = concat([requests("Ping", 1), requests("DescribeTopic", 1), requests("Ping", 1)]);
    connect("mixed").received(mixed);
    expect(dispatched).toHaveLength(1);
  });

  test("wait while those in progress need much memory, but pings do not", async () => {
    const { connect, dispatched, exchanges, budget, loop } = simulate({
      takes: MiB,
      answerBytes: 10,
      budget: new InflightBudget(8 * MiB),
    });
    connect("first", (exchange) => exchange.charge(2 * MiB)).received(requests("DescribeTopic", 1));
    connect("second").received(requests("DescribeTopic", 1));
    while (await loop());
    connect("ping").received(requests("Ping", 5));
    while (await loop());
    expect(dispatched).toEqual(["first", ...Array.from({ length: 5 }, () => "ping")]);
    expect(budget.chargedBytes).toBe(2 * MiB);
    exchanges[0]!.answer(encodeResponse(1, () => {}));
    expect(budget.chargedBytes).toBe(0);
    while (await loop());
    expect(dispatched).toContain("second");
  });
});

test("an answer to a fast reader gives others a turn after each MiB", async () => {
  const written: string[] = [];
  const outbox = new Outbox({
    write({ length }) {
      written.push(`${length / MiB} MiB`);
      return length;
    },
  });
  outbox.push(new Uint8Array(2.5 * MiB));
  expect(outbox.flush(FLUSH_BYTES_MAX)).toBe("more");
  expect(written).toEqual(["1 MiB"]);
  expect(outbox.flush(FLUSH_BYTES_MAX)).toBe("more");
  expect(outbox.flush(FLUSH_BYTES_MAX)).toBe("empty");
  expect(written).toEqual(["1 MiB", "1 MiB", "0.5 MiB"]);

  const { connect, loop, turns } = simulate({ takes: 4 * MiB, answerBytes: 5 * MiB });
  const connection = connect("reader");
  connection.received(requests("DescribeTopic", 1));
  turns.spend(1_000);
  await Promise.resolve();
  expect(connection.inflight.bytes).toBe(4 * MiB + 10);
  while (await loop());
  expect(connection.inflight.bytes).toBe(0);
});
