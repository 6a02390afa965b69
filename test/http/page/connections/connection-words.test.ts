// What the connections view says in words.
import { describe, expect, test } from "bun:test";
import {
  ageText,
  busiestPieces,
  closeConsequences,
  countText,
  emptyText,
  lastingCommands,
  percentText,
  rateText,
  requestsText,
  shareOf,
  throttledText,
  topicText,
  trafficText,
  workFilter,
  writersText,
} from "../../../../src/http/page/connections/connection-words.js";
import type {
  BusiestClient,
  ConnectionState,
} from "../../../../src/http/page/connections/connection-wire.js";

const CONNECTION: ConnectionState = {
  ...{ serial: 7, address: "10.0.0.7:50000", protocol: "kafka", isTls: true, sinceMs: 0 },
  ...{ clientId: "meter", software: "franz-go 1.22.3", user: "ann" },
  ...{ receivedBytes: 0, sentBytes: 0, receivedRate: 2048, sentRate: 0 },
  ...{ inflightBytes: 0, inflightRequests: 3, waitingFetches: 2 },
  ...{ isThrottled: false, throttledShare: 0 },
  ...{ writes: null, reads: null, group: "billing" },
};

describe("the client with the most traffic", () => {
  const SUM: BusiestClient = {
    ...{ name: "127.0.0.1", by: "host", connections: 12, receivedRate: 2048, sentRate: 0 },
    ...{ throttled: 0, inflightBytes: 0, inflightRequests: 0, waitingFetches: 0, chief: null },
  };
  const total = { receivedRate: 2064, sentRate: 0 };
  const orders = { topic: "orders", others: [], more: 0 };
  const chief = { ...CONNECTION, writes: orders };
  const textOf = (state: Parameters<typeof busiestPieces>[0]): string =>
    busiestPieces(state)
      .map(({ text, href }) => (href === undefined ? text : `[${text}](${href})`))
      .join("");

  test("is named, with the one connection that has nearly all of it, and its topic", () => {
    expect(textOf({ ...total, busiest: null })).toBe("");
    const host = "[127.0.0.1](#/connections?filter=127.0.0.1)";
    expect(textOf({ ...total, busiest: SUM })).toBe(
      `; 99 % of it by address ${host}, over 12 connections`,
    );
    expect(textOf({ ...total, busiest: { ...SUM, chief } })).toBe(
      `; 99 % of it by address ${host}, over 12 connections; ` +
        "99 % by the one from [10.0.0.7:50000](#/connections?filter=10.0.0.7%3A50000)" +
        ", user ann, which writes to [orders](#/topics/orders)",
    );
  });

  test("is said to read if it does that more, and its topic is not told if it is hidden", () => {
    const busiest = { ...SUM, name: "meter", by: "client", connections: 1 } as const;
    const meter = "; 99 % of it by client id [meter](#/connections?filter=meter)";
    const reader = { ...chief, user: null, receivedRate: 0, sentRate: 2048, reads: orders };
    expect(textOf({ ...total, busiest: { ...busiest, chief: reader } })).toBe(
      `${meter}, which reads from [orders](#/topics/orders)`,
    );
    const hidden = { ...chief, user: null, writes: { ...orders, topic: null } };
    expect(textOf({ ...total, busiest: { ...busiest, chief: hidden } })).toBe(meter);
  });
});

describe("numbers of a connection", () => {
  test("are left out where there is nothing to say", () => {
    const idle = { ...CONNECTION, inflightRequests: 0, waitingFetches: 0 };
    expect([rateText(0.4), percentText(0), requestsText(idle), throttledText(idle)]).toEqual([
      ...["", "", "", ""],
    ]);
    expect(trafficText({ spanMs: 0, receivedRate: 0, sentRate: 0 })).toBeUndefined();
  });

  test("have units", () => {
    expect(rateText(1536)).toBe("1.5 KiB/s");
    expect([percentText(0.001), percentText(0.624), percentText(1)]).toEqual([
      ...["< 1 %", "62 %", "100 %"],
    ]);
    expect(requestsText(CONNECTION)).toBe("3, 2 waiting");
    expect([0, 59_999, 60_000, 3_599_000, 90_000_000].map(ageText)).toEqual([
      ...["0 s", "59 s", "1 min", "59 min", "1 d"],
    ]);
    expect(trafficText({ spanMs: 1000, receivedRate: 2048, sentRate: 1 })).toBe(
      "2 KiB/s in, 1 B/s out",
    );
    expect(countText({ protocols: { kafka: 1 } })).toBe("1 connection: 1 kafka");
    expect(countText({ protocols: {} })).toBe("0 connections");
  });

  test("say how much of the time quotas held it back", () => {
    expect(throttledText({ isThrottled: true, throttledShare: 0 })).toBe("now");
    expect(throttledText({ isThrottled: true, throttledShare: 0.8 })).toBe("now, 80 %");
    expect(throttledText({ isThrottled: false, throttledShare: 0.8 })).toBe("80 %");
  });

  test("are a share of all traffic in both directions", () => {
    const all = { receivedRate: 6000, sentRate: 2000 };
    expect(shareOf({ receivedRate: 1000, sentRate: 1000 }, all)).toBe(0.25);
    expect(shareOf(all, { receivedRate: 0, sentRate: 0 })).toBe(0);
    // A new connection may have been counted after the total.
    expect(shareOf({ receivedRate: 9000, sentRate: 0 }, all)).toBe(1);
  });
});

describe("what a client works on", () => {
  test("is the topic of its last request, how many more it had, or that it is hidden", () => {
    expect(topicText(null)).toBe("—");
    expect(topicText({ topic: "orders", others: [], more: 0 })).toBe("orders");
    expect(topicText({ topic: "orders", others: ["audit"], more: 1200 })).toBe(
      "orders + 1,200 more",
    );
    expect(topicText({ topic: "orders", others: ["audit"], more: 0 })).toBe("orders + 1 more");
    expect(topicText({ topic: null, others: [], more: 0 })).toBe("hidden");
  });

  test("can be filtered by, and nothing found is said in its own words", () => {
    expect(emptyText(workFilter("writes", "orders"))).toBe(
      "No client has written to orders in the last 5 minutes.",
    );
    expect(emptyText(workFilter("reads", "orders"))).toContain("read from orders");
    expect(emptyText(workFilter("group", "a b"))).toContain("work for the group a b.");
    expect(emptyText("ann")).toStartWith('No connection has "ann" in its client id');
  });

  test("says on a topic's page who writes to it", () => {
    expect(writersText({ matching: 0 })).toBe("no client in the last 5 minutes");
    expect([1, 2].map((matching) => writersText({ matching }))).toEqual(["1 client", "2 clients"]);
  });
});

describe("the dialog that closes a connection", () => {
  test("says whose it is, what is lost, and that the client comes back", () => {
    expect(closeConsequences(CONNECTION, true)).toEqual([
      "Client id meter, franz-go 1.22.3, user ann, group billing; 2 KiB/s in, 0 B/s out.",
      "2 fetches that wait for data will get no answer. 1 request in progress will get no answer: a producer that is not idempotent may then write records twice.",
      "Most clients connect again at once. What lasts is a quota, taking away a rule, or deleting the user:",
    ]);
    const silent = { ...CONNECTION, clientId: null, software: null, user: null, group: null };
    const idle = { ...silent, inflightRequests: 0, waitingFetches: 0 };
    expect(closeConsequences(idle, false).slice(0, 2)).toEqual([
      "The client has not said what it is; 2 KiB/s in, 0 B/s out.",
      "No request is in progress.",
    ]);
  });

  test("names commands that last", () => {
    expect(lastingCommands({ ...CONNECTION, user: "o'neil" }, true)).toEqual([
      `rustlog quotas set --for-user 'o'\\''neil' --producer-byte-rate 1KiB`,
      `rustlog acls delete --allow 'o'\\''neil'`,
      `rustlog users delete 'o'\\''neil'`,
    ]);
    expect(lastingCommands({ ...CONNECTION, user: null }, false)).toEqual([
      "rustlog quotas set --for-client-id meter --producer-byte-rate 1KiB",
    ]);
    const nobody = { ...CONNECTION, address: "[fe80::1]:50000", clientId: null, user: null };
    expect(lastingCommands(nobody, true)).toEqual([
      "rustlog quotas set --for-ip fe80::1 --connection-creation-rate 1",
    ]);
  });

  test.each([
    [900, 0, "--producer-byte-rate 1MiB"],
    [700 * 1024, 3, "--producer-byte-rate 256KiB"],
    [80 * 1024 ** 2, 0, "--producer-byte-rate 1MiB"],
    [10, 1.5 * 1024 ** 2, "--consumer-byte-rate 512KiB"],
  ])("limits what a client does most to less than that: %p in, %p out", (received, sent, limit) => {
    const client = { ...CONNECTION, user: null, receivedRate: received, sentRate: sent };
    expect(lastingCommands(client, false)).toEqual([
      `rustlog quotas set --for-client-id meter ${limit}`,
    ]);
  });
});
