import { expect, test } from "bun:test";
import { Ledger, type LedgerMember, type LedgerResult } from "./ledger.js";

const LOG = ["a", "b", "c", "d"].map((value, offset) => ({ partition: 0, offset, value }));

const A: LedgerMember = { name: "A", quirks: {} };
const B: LedgerMember = { name: "B", quirks: {} };
const LATE: LedgerMember = { name: "late", quirks: { isLateToStop: true } };

/** What a ledger finds of lines `TIME KIND WORDS…`, each after its member. */
function check(...said: readonly (readonly [LedgerMember, string])[]): LedgerResult {
  const ledger = new Ledger();
  for (const [member, line] of said) {
    if (line.endsWith("disturbed")) ledger.disturb(member, Number(line.split(" ")[0]));
    else ledger.say(member, line.replaceAll(" ", "\t"));
  }
  return ledger.check(LOG);
}

const readsTwo = [
  [A, "1 assigned 0"],
  [A, "2 got 0 0 a"],
  [A, "3 got 0 1 b"],
  [A, "4 committing 0=2"],
  [A, "5 committed 0=2"],
] as const;

test("a member that takes over at the commit is right", () => {
  const { problems, duplicates } = check(
    ...readsTwo,
    [A, "6 revoked 0"],
    [B, "7 assigned 0"],
    [B, "8 got 0 2 c"],
    [B, "9 got 0 3 d"],
  );
  expect(problems).toEqual([]);
  expect(duplicates).toBe(0);
});

test("records after the last commit may be read again", () => {
  const { problems, duplicates } = check(
    ...readsTwo,
    [A, "6 got 0 2 c"],
    [A, "7 ended"],
    [B, "8 assigned 0"],
    [B, "9 got 0 2 c"],
    [B, "10 got 0 3 d"],
  );
  expect(problems).toEqual([]);
  expect(duplicates).toBe(1);
});

test("a record that nobody read is lost", () => {
  const { problems } = check(...readsTwo, [A, "6 got 0 3 d"]);
  expect(problems).toContain("record 2 of partition 0 was not read");
  expect(problems).toContain("A read record 3 of partition 0 at 6, after record 1");
});

test("a member must not begin before the last commit", () => {
  const { problems } = check(
    ...readsTwo,
    [A, "6 revoked 0"],
    [B, "7 assigned 0"],
    ...LOG.map(({ offset, value }) => [B, `8 got 0 ${offset} ${value}`] as const),
  );
  expect(problems).toEqual([
    "B read record 0 of partition 0 at 8, although 2 was committed before it began",
  ]);
});

test("a partition has one member, unless the other was cut off", () => {
  const both = [
    [B, "7 assigned 0"],
    [B, "8 got 0 2 c"],
    [B, "9 got 0 3 d"],
  ] as const;
  expect(check(...readsTwo, ...both).problems).toEqual([
    "B was given partition 0 at 7, while A has it since 1",
  ]);
  expect(check(...readsTwo, [A, "6 disturbed"], ...both).problems).toEqual([]);
});

test("a member that was cut off must not commit", () => {
  const { problems } = check(
    ...readsTwo,
    [A, "6 got 0 2 c"],
    [A, "6 disturbed"],
    [B, "7 assigned 0"],
    [B, "8 got 0 2 c"],
    [B, "9 got 0 3 d"],
    [B, "10 committing 0=4"],
    [B, "11 committed 0=4"],
    [A, "12 committing 0=3"],
    [A, "13 committed 0=3"],
  );
  expect(problems).toEqual(["partition 0: A committed 3 after B had committed 4"]);
});

test("what a client delivers late is counted", () => {
  const { problems, lateReads } = check(
    [LATE, "1 assigned 0"],
    ...LOG.map(({ offset, value }) => [LATE, `2 got 0 ${offset} ${value}`] as const),
    [LATE, "3 revoked 0"],
    [LATE, "4 got 0 3 d"],
  );
  expect(problems).toEqual([]);
  expect(lateReads).toBe(1);
});
