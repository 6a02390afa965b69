// The sentences about what is wrong. Leaves to others: which problems there are (services/problems.test.ts).
import { expect, test } from "bun:test";
import { statusOf, wordsOf } from "../../../../src/http/page/problems/problem-words.js";
import type { Problem } from "../../../../src/http/page/problems/problem-wire.js";

const NOW_MS = Date.UTC(2026, 8, 26, 8);
const DAY_MS = 86_400_000;
const GIB = 2 ** 30;

const of = { sinceMs: NOW_MS - 3 * 3_600_000, topic: "orders", partition: 3, partitions: 1 };

function said(problem: Problem, bytesPerSecond?: number): string {
  const rate = bytesPerSecond === undefined ? {} : { bytesPerSecond };
  const { what, next, link, since } = wordsOf(problem, { nowMs: NOW_MS, ...rate });
  return [what, next, link?.href, since?.text].filter((part) => part !== undefined).join(" | ");
}

test("the status is a word, a number and a sign", () => {
  const status = (error: number, warning: number) => {
    const { level, text } = statusOf({ counts: { error, warning, note: 7 } });
    return `${level}: ${text}`;
  };
  expect(status(0, 0)).toBe("good: all right");
  expect(status(0, 1)).toBe("warning: 1 problem");
  expect(status(1, 1)).toBe("error: 2 problems");
});

test("each problem says what it is, what to do next, where, and since when", () => {
  const reason = "EIO: i/o error";
  expect(said({ kind: "offline", severity: "error", ...of, partitions: 3, reason })).toBe(
    "orders-3 and 2 more partitions are offline: EIO: i/o error. | " +
      "Fix this and restart the broker, or delete the topic. | #/topics/orders | noticed 3 h ago",
  );
  const damage = { kind: "damage", severity: "warning", ...of, reason, offset: 4200 } as const;
  expect(said({ ...damage, places: 1 })).toContain("orders-3 is damaged at offset 4,200: EIO");
  expect(said({ ...damage, places: 2 })).toContain("damaged in 2 places, first at offset 4,200");
  expect(said({ ...damage, places: 1 })).toContain("#/records/orders?partition=3&from=4200");
  const truncated = { kind: "truncated", severity: "warning", ...of, reason, offset: 9 } as const;
  expect(said({ ...truncated, bytes: 77, file: "0.log.cut-5" })).toMatch(
    /^77 B at the end of orders-3 were truncated .* in topics\/orders\/3\/0\.log\.cut-5: /,
  );
  const group = { kind: "group", group: "a b", members: 1, lag: 2000, lastCommitMs: 0 } as const;
  expect(said({ ...group, severity: "warning", sinceMs: of.sinceMs })).toBe(
    "Group a b commits nothing: it has 1 member, and is 2,000 records behind. | " +
      "See which member is stuck, and restart it. | #/groups/a%20b | last commit 3 h ago",
  );
});

test("of a disk it says how long it lasts at the present rate", () => {
  const disk = { kind: "disk", severity: "warning", sinceMs: null } as const;
  const problem: Problem = { ...disk, totalBytes: 100 * GIB, usableBytes: 4 * GIB };
  expect(said(problem)).toStartWith(
    "The disk is nearly full: 4 GiB of 100 GiB (4 %) are free. | Free",
  );
  expect(said(problem, 2 ** 20)).toContain("With 1 MiB/s coming in, that lasts 68 min, unless");
  expect(said(problem, 0)).not.toContain("coming in");
});

test("of a certificate it says the day of its end", () => {
  const ends = (endsMs: number) =>
    said({ kind: "certificate", severity: "warning", sinceMs: null, endsMs });
  expect(ends(NOW_MS + 12 * DAY_MS)).toStartWith(
    "The TLS certificate expires in 12 d, on 2026-10-08.",
  );
  expect(ends(NOW_MS)).toContain("expired on 2026-09-26: clients refuse");
});
