// Commands and options under the names of Kafka's tools, rpk, nats and kcat, and hints for those that differ.
import { afterAll, describe, expect, test } from "bun:test";
import { run, startBroker } from "./rustlog.js";
import { runHere } from "./run-here.js";

const broker = await startBroker();

afterAll(() => broker[Symbol.asyncDispose]());

describe("names of other tools", () => {
  test("are accepted where they mean the same", async () => {
    const ADDRESS = "ADDRESS";
    const runs: readonly (readonly [string, string])[] = [
      ["topic create foreign -p 2 -c retention.ms=1d --bootstrap-server ADDRESS", "2 partitions"],
      ["topic add another --topic-config retention.ms=1d --brokers=ADDRESS", "Created"],
      ["topics ls -i -b ADDRESS", "foreign"],
      ["ls -b ADDRESS", "foreign"],
      ["stream info foreign -b ADDRESS", "retention.ms"],
      ["topic info foreign --broker-list ADDRESS", "retention.ms=86400000"],
      ["topics alter foreign --set retention.ms=2d -b ADDRESS", "retention.ms=172800000"],
      ["topics alter foreign --delete retention.ms -b ADDRESS", "broker defaults"],
      ["topic alter-config foreign -c retention.ms=3d -b ADDRESS", "retention.ms=259200000"],
      ["topic trim-prefix foreign -o 0 -b ADDRESS", "NEW-LOG-START"],
      ["pub another hello -b ADDRESS", ""],
      ["topic produce another world -b ADDRESS", ""],
      ["topic consume another --num 1 -b ADDRESS", "hello\n"],
      ["consume another --max-messages 2 -g readers -b ADDRESS", "hello\nworld\n"],
      ["group ls -b ADDRESS", "readers"],
      ["consumer-groups show readers -b ADDRESS", "Total lag: 0"],
      ["group seek readers another --to start -b ADDRESS", "another"],
      ["group rm readers -b ADDRESS", "Deleted group"],
      ["topic remove another --force -b ADDRESS", "Deleted topic"],
    ];
    for (const [line, expected] of runs) {
      const { stdout, stderr, exitCode } = await run(
        line.split(" ").map((word) => word.replace(ADDRESS, broker.address)),
      );
      expect([line, exitCode, stdout]).toEqual([line, 0, expect.stringContaining(expected)]);
      expect(stderr).not.toContain("rustlog:");
    }
  });

  test("may be repeated like ours, and are named in an error", async () => {
    const args = ["topics", "create", "both", "-c", "retention.ms=1d", "--config", "segment.ms=1d"];
    await run(args, { broker: broker.address });
    const described = await run(["topics", "describe", "both"], { broker: broker.address });
    expect(described.stdout).toContain("retention.ms=86400000, segment.ms=86400000");
    const { stderr, exitCode } = await runHere(["topics", "ls", "--bootstrap-server", "a:b:c"]);
    expect(stderr).toContain("option '--bootstrap-server <host:port>' argument 'a:b:c' is invalid");
    expect(exitCode).toBe(2);
  });

  test.each([
    [["consume", "t", "--from-beginning"], "starts at the earliest record"],
    [["consume", "--topic", "t"], "Topics are arguments"],
    [["consume", "--include", "^t"], "Did you mean --topic-regex?"],
    [["topics", "create", "t", "--replication-factor", "1"], "one copy of each record"],
    [["topics", "--list"], "Did you mean list, without dashes?"],
    [["groups", "seek", "g", "t", "--to-earliest"], "Did you mean --to earliest?"],
    [["topics", "add-partitions", "t"], "Did you mean alter?"],
    [["sub", "t"], "Did you mean consume?"],
    [["consume", "-r", "^t"], "Did you mean --topic-regex?"],
    [["topics", "trim", "t", "--before", "1", "--no-confirm"], "nobody is asked"],
    [["topics", "list", "--zookeeper=z:2181"], "Did you mean --broker?"],
  ])("%j gets a hint", async (args, hint) => {
    const { stderr, exitCode } = await runHere(args);
    expect(stderr).toContain(hint);
    expect(exitCode).toBe(2);
  });
});

describe("--no-color", () => {
  test("is accepted by every command, before and after its name", async () => {
    for (const args of [
      ["--no-color", "topics", "list"],
      ["topics", "--no-color", "list"],
      ["topics", "list", "--no-color"],
    ]) {
      expect((await run(args, { broker: broker.address })).exitCode).toBe(0);
    }
  });
});
