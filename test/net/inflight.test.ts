import { describe, expect, test } from "bun:test";
import { type InflightAccount, InflightBudget } from "../../src/net/inflight.js";
import { Outbox } from "../../src/net/outbox.js";

const limits = { frameBytesMax: 1000, connectionBytesMax: 1_000_000, connectionRequestsMax: 4096 };

/** A connection that notes what the budget asks of it. */
class Holder {
  readonly asked: string[] = [];
  readonly account: InflightAccount;

  constructor(budget: InflightBudget) {
    const outbox = new Outbox({ write: ({ length }) => length });
    this.account = budget.open(this, outbox, limits);
  }

  pauseReading(): void {
    this.asked.push("pauseReading");
  }

  resumeReading(): void {
    this.asked.push("resumeReading");
  }

  giveUp(): void {
    this.asked.push("giveUp");
    this.account.close();
  }
}

describe("bytes kept for clients", () => {
  test("above half of the budget, the client inactive longest that keeps more than a share is closed", () => {
    const budget = new InflightBudget(2000);
    const [small, oldest, newer] = [new Holder(budget), new Holder(budget), new Holder(budget)];
    small.account.keep(100, true, false);
    oldest.account.keep(450, true, false);
    newer.account.keep(450, true, false);
    expect([small, oldest, newer].flatMap(({ asked }) => asked)).toEqual([]);
    small.account.keep(150, true, false);
    expect(small.asked).toEqual([]);
    expect(oldest.asked).toEqual(["giveUp"]);
    expect(newer.asked).toEqual([]);
    expect(budget.keptBytes).toBe(600);
    expect(budget.takeGivenUp()).toBe(1);
    expect(budget.takeGivenUp()).toBe(0);
  });

  test("a client that was just active is not the longest inactive", () => {
    const budget = new InflightBudget(2000);
    const [first, second] = [new Holder(budget), new Holder(budget)];
    first.account.keep(505, true, false);
    second.account.keep(490, true, false);
    first.account.keep(505, true, true);
    second.account.keep(510, true, false);
    expect(second.asked).toEqual(["giveUp"]);
    expect(first.asked).toEqual([]);
  });

  test("a client that waits for the broker is not closed", () => {
    const budget = new InflightBudget(2000);
    const [held, other] = [new Holder(budget), new Holder(budget)];
    held.account.keep(900, false, false);
    other.account.keep(400, true, false);
    expect([held.asked, other.asked]).toEqual([[], []]);
    other.account.keep(550, true, false);
    expect([held.asked, other.asked]).toEqual([[], ["giveUp"]]);
  });
});

/** What counts for a settled request. */
function counted(bytes: number, waitingBytes = 0) {
  return { bytes, chargedBytes: 0, waitingBytes };
}

describe("requests in progress", () => {
  test("above half of the budget no socket is read until half of that is answered", async () => {
    const budget = new InflightBudget(20_000);
    const [busy, other] = [new Holder(budget), new Holder(budget)];
    busy.account.began(6_000);
    expect(budget.isFull).toBe(false);
    busy.account.began(6_000);
    expect(budget.isFull).toBe(true);
    expect([busy.asked, other.asked]).toEqual([["pauseReading"], ["pauseReading"]]);
    expect(other.account.isOverLimit).toBe(true);
    expect(other.account.mayWait()).toBe(false);
    busy.account.ended(counted(6_000));
    await Promise.resolve();
    expect(budget.isFull).toBe(true);
    busy.account.ended(counted(6_000));
    await Promise.resolve();
    expect(budget.isFull).toBe(false);
    expect([busy.asked, other.asked]).toEqual([
      ["pauseReading", "resumeReading"],
      ["pauseReading", "resumeReading"],
    ]);
    expect(budget.workingBytes).toBe(0);
  });

  test("count until they are answered, also when their connection is closed", () => {
    const budget = new InflightBudget(20_000);
    const { account } = new Holder(budget);
    account.began(5_000);
    account.close();
    expect(budget.workingBytes).toBeGreaterThan(5_000);
    account.ended(counted(5_000));
    expect(budget.workingBytes).toBe(0);
  });

  test("that wait for data are cancelled with their connection, and no longer count", () => {
    const budget = new InflightBudget(20_000);
    const { account } = new Holder(budget);
    const calls: string[] = [];
    account.began(100);
    account.addWait({
      finish: () => calls.push("finish"),
      cancel() {
        calls.push("cancel");
        account.ended(counted(100));
      },
    });
    account.close();
    expect(calls).toEqual(["cancel"]);
    expect(budget.workingBytes).toBe(0);
  });

  test("that wait for data keep no others from beginning, and have a limit of their own", () => {
    const budget = new InflightBudget(8_000); // of which 1,000 may be charged
    const { account } = new Holder(budget);
    account.began(100);
    account.charge(1_000);
    expect(budget.mayBeginBulk).toBe(false);
    account.chargeWaiting(1_000);
    expect(budget.mayBeginBulk).toBe(true);
    expect(account.mayWait(1)).toBe(false);
    expect(account.mayWait()).toBe(true);
    account.ended(counted(100, 1_000));
    expect(account.mayWait(1_000)).toBe(true);
    expect(budget.workingBytes).toBe(0);
  });
});

test("the time for which a client was muted counts as it passes, and ends with the mute", () => {
  const { account } = new Holder(new InflightBudget(2000));
  expect([account.mutedMs(0), account.isMuted]).toEqual([0, false]);
  expect(account.mute(1_000, 3_000)).toBe(true);
  expect(account.mutedMs(1_500)).toBe(500);
  expect(account.mute(1_500, 2_000)).toBe(false);
  expect(account.mute(2_000, 5_000)).toBe(true);
  expect([account.mutedMs(2_000), account.mutedMs(4_000)]).toEqual([1_000, 3_000]);
  account.unmute(4_500);
  expect([account.mutedMs(4_500), account.mutedMs(9_000)]).toEqual([3_500, 3_500]);
  account.mute(10_000, 11_000);
  account.unmute(11_200);
  expect(account.mutedMs(20_000)).toBe(4_500);
});
