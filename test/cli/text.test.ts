// Text for people: tables, progress, summaries, lag, failures.
import { describe, expect, test } from "bun:test";
import { CommanderError } from "@commander-js/extra-typings";
import { CliError, describeFailure, EXIT, reportFailure } from "../../src/cli/exit.js";
import { formatProgress, formatSummary } from "../../src/cli/progress.js";
import { formatTable } from "../../src/cli/table.js";
import { RustLogError } from "../../src/errors.js";
import { lagOf } from "../../src/services/group-lag.js";

test("columns are as wide as their widest cell; numbers are right-aligned", () => {
  const table = formatTable(
    ["TOPIC", "PARTITIONS"],
    [
      ["a-long-name", 1],
      ["b", 100],
    ],
  );
  expect(table).toBe(
    ["TOPIC        PARTITIONS", "a-long-name           1", "b                   100", ""].join(
      "\n",
    ),
  );
  expect(formatTable(["A"], [])).toBe("A\n");
});

test("a commit below the log start adds no lag for deleted records", () => {
  expect(lagOf({ committedOffset: 5, logStartOffset: 0, highWatermark: 12 })).toBe(7);
  expect(lagOf({ committedOffset: 5, logStartOffset: 10, highWatermark: 12 })).toBe(2);
  expect(lagOf({ committedOffset: 12, logStartOffset: 10, highWatermark: 12 })).toBe(0);
  expect(lagOf({ committedOffset: 20, logStartOffset: 10, highWatermark: 12 })).toBe(0);
});

test("progress shows counts and rates", () => {
  expect(formatProgress({ records: 2_000_000, bytes: 200_000_000 }, 2)).toBe(
    "2,000,000 records, 200 MB, 1,000,000 records/s, 100 MB/s",
  );
});

describe("the summary of a produce", () => {
  const none = { records: 0, acknowledgedRecords: 0, failedRecords: 0, batches: 0, bytes: 0 };
  const whole = { bytes: 0, seconds: 1, isComplete: true };
  const row = { topic: "t", partition: 0, records: 3, firstOffset: 7, lastOffset: 9 };

  test("names the offsets by partition", () => {
    const stats = { ...none, records: 4, acknowledgedRecords: 4 };
    const second = { ...row, partition: 1, records: 1, firstOffset: 0, lastOffset: 0 };
    expect(
      formatSummary(
        "t",
        { ...stats, partitions: [second, row] },
        { ...whole, bytes: 1500, seconds: 0.5 },
      ),
    ).toBe(
      "Produced 4 records to 't' (1.50 kB in 0.50 s): partition 0 offsets 7-9, partition 1 offset 0",
    );
  });

  test("does not list a hundred partitions", () => {
    const partitions = Array.from({ length: 100 }, (_, partition) => ({ ...row, partition }));
    const stats = { ...none, records: 300, acknowledgedRecords: 300, partitions };
    expect(formatSummary("t", stats, whole)).toEndWith(": in 100 partitions");
  });

  test("says how much was acknowledged if not everything was", () => {
    const stats = { ...none, records: 10, acknowledgedRecords: 3, partitions: [row] };
    expect(formatSummary("t", stats, whole)).toBe(
      "Acknowledged 3 of 10 records to 't': partition 0 offsets 7-9",
    );
    const cut = { ...none, records: 3, acknowledgedRecords: 3, partitions: [row] };
    expect(formatSummary("t", cut, { ...whole, isComplete: false })).toBe(
      "Acknowledged 3 records to 't': partition 0 offsets 7-9",
    );
    expect(formatSummary("t", { ...none, partitions: [] }, whole)).toBe(
      "Produced no records to 't'",
    );
  });
});

describe("failures", () => {
  test("are one line: code, message, and what to do next", () => {
    expect(describeFailure(new RustLogError("INVALID_GROUP", "group ''\nis empty"))).toBe(
      "INVALID_GROUP: group ''\\nis empty. A group name has 1 to 249 bytes of UTF-8.",
    );
    expect(describeFailure(new CliError("no such file."))).toBe("no such file.");
    expect(describeFailure(new TypeError("x is undefined"))).toStartWith(
      "internal error: x is undefined.",
    );
  });

  test("exit with commander's code for help and with 2 for anything else", async () => {
    const help = new CommanderError(0, "commander.helpDisplayed", "");
    expect(await reportFailure(help)).toBe(EXIT.ok);
    const unknown = new CommanderError(1, "commander.unknownOption", "");
    expect(await reportFailure(unknown)).toBe(EXIT.usage);
  });
});
